import { posix } from 'node:path';
import type { Readable } from 'node:stream';

import { err, ok, type Result } from '../../result.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Answered, FileOwner, Files, Limit } from '../platform.ts';
import { instanceRequest } from './quick-request.ts';
import type { MemoryClient } from './requests.ts';
import type { MemoryFile, MemoryInstance } from './server.ts';

/** The port's functions about files inside. */
export function filesOf(client: MemoryClient): Files {
  return {
    pushFile: async (instance, path, content, how) => {
      const bytes = await bytesOf(content);
      const { user = 0, group = 0, mode = 0o644 } = how;
      return put(client, instance, path, how, { kind: 'file', content: bytes, user, group, mode });
    },
    pullFile: (instance, path, { limitMs, maxBytes }) =>
      fileRequest(client, 'pullFile', `read the file ${path} of ${instance}`, instance, limitMs, (one, purpose) => {
        const file = one.files.get(path);
        if (file === undefined) return notFound(purpose);
        if (file.kind !== 'file') return err(platformFailure('invalid', purpose, 'it is a folder'));
        if (file.content.length > maxBytes)
          return err(platformFailure('invalid', purpose, `the answer is longer than ${maxBytes} bytes`));
        const { content, user, group, mode } = file;
        return ok({ content, user, group, mode });
      }),
    listFolder: (instance, path, { limitMs }) =>
      fileRequest(client, 'listFolder', `list the folder ${path} of ${instance}`, instance, limitMs, (one, purpose) => {
        const folder = path === '/' ? { kind: 'folder' as const } : one.files.get(path);
        if (folder === undefined) return notFound(purpose);
        if (folder.kind !== 'folder') return err(platformFailure('invalid', purpose, 'it is not a folder'));
        return ok(
          [...one.files.keys()].filter((name) => posix.dirname(name) === path).map((name) => posix.basename(name)),
        );
      }),
    makeDirectory: (instance, path, how) => put(client, instance, path, how, { kind: 'folder' }),
    makeLink: (instance, path, target, how) => put(client, instance, path, how, { kind: 'link', target }),
    deleteFile: (instance, path, { limitMs }) =>
      fileRequest(client, 'deleteFile', `remove the file ${path} of ${instance}`, instance, limitMs, (one, purpose) => {
        if (!one.files.has(path)) return notFound(purpose);
        if ([...one.files.keys()].some((name) => posix.dirname(name) === path))
          return err(platformFailure('server', purpose, 'directory not empty', { code: 500 }));
        one.files.delete(path);
        return ok(undefined);
      }),
  };
}

function put(
  client: MemoryClient,
  instance: string,
  path: string,
  { limitMs }: FileOwner & Limit,
  file: MemoryFile,
): Answered<void> {
  const purpose = `write the ${file.kind} ${path} of ${instance}`;
  return fileRequest(client, 'pushFile', purpose, instance, limitMs, (one) => {
    const parent = posix.dirname(path);
    if (parent !== '/' && one.files.get(parent)?.kind !== 'folder') return notFound(purpose);
    if (file.kind === 'folder' && one.files.get(path)?.kind === 'folder') return ok(undefined);
    one.files.set(path, file);
    return ok(undefined);
  });
}

function fileRequest<T>(
  client: MemoryClient,
  name: string,
  purpose: string,
  instance: string,
  limitMs: number,
  apply: (instance: MemoryInstance, purpose: string) => Result<T, PlatformFailure>,
): Answered<T> {
  const changes = name === 'pushFile' || name === 'deleteFile';
  return instanceRequest(client, { name, purpose, instance, changes, limitMs }, (one) => apply(one, purpose));
}

function notFound(purpose: string): Result<never, PlatformFailure> {
  return err(platformFailure('not-found', purpose, 'file does not exist', { code: 404 }));
}

async function bytesOf(content: string | Buffer | Readable): Promise<Buffer> {
  if (typeof content === 'string') return Buffer.from(content);
  if (Buffer.isBuffer(content)) return content;
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks);
}
