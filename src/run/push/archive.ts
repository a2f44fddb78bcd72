import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { Header } from 'tar/header';
import { Pax } from 'tar/pax';
import { entriesOf, folderOf, type PushEntry } from './source.ts';
import type { PushPlan } from '../plan.ts';

/**
 * A push as a tar archive, created while it is sent. `onSent` is called for each
 * part. The stream fails with what the file system says, or where a file became shorter than it was.
 */
export function archiveOf(push: PushPlan, onSent: () => void): Readable {
  return Readable.from(partsOf(push, onSent), { objectMode: false });
}

const partsOf = async function* (push: PushPlan, onSent: () => void): AsyncGenerator<Buffer> {
  for await (const entry of entriesOf(push)) {
    onSent();
    yield headOf(push, entry);
    if (entry.kind !== 'file') continue;
    for await (const part of contentOf(entry.local, entry.bytes)) {
      onSent();
      yield part;
    }
    yield Buffer.alloc((block - (entry.bytes % block)) % block);
  }
  yield Buffer.alloc(2 * block);
};

/** The unit of the format: everything is filled up with zeros to a multiple of it. */
const block = 512;

const partBytes = 256 * 1024;

function headOf(push: PushPlan, entry: PushEntry): Buffer {
  const about = {
    path: posix.relative(folderOf(push), entry.inside) || '.',
    mode: entry.mode,
    uid: push.user,
    gid: push.group,
    size: entry.kind === 'file' ? entry.bytes : 0,
    mtime: new Date(entry.modifiedAt),
    type: types[entry.kind],
    ...(entry.kind === 'link' ? { linkpath: entry.target } : {}),
  };
  const head = Buffer.alloc(block);
  const isTooLong = new Header(about).encode(head);
  return isTooLong ? Buffer.concat([new Pax(about).encode(), head]) : head;
}

const types = { file: 'File', folder: 'Directory', link: 'SymbolicLink' } as const;

/** Exactly this number of bytes: growth during the push is ignored, and a file that became shorter is a failure. */
const contentOf = async function* (path: string, bytes: number): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    for (let left = bytes; left > 0;) {
      // A new one each time: what was handed on may not be sent yet.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(partBytes, left)));
      if (bytesRead === 0) throw new Error(`"${path}" became shorter while it was read`);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
};
