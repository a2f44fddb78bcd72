import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

import { err, ok, type Result } from '../../../result.ts';
import { call, callRaw, type Incus } from '../http/client.ts';
import { failureOf } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import type { FileOwner, Limit, PulledFile } from '../../platform.ts';

/** Writes a file (replaces one that exists). The folder must exist. Works on stopped instances. A stream is never held in memory. */
export function pushFile(
  incus: Incus,
  instance: string,
  path: string,
  content: string | Buffer | Readable,
  how: FileOwner & Limit,
): Promise<Result<void, PlatformFailure>> {
  return put(incus, instance, path, 'file', typeof content === 'string' ? Buffer.from(content) : content, how);
}

/** Reads a file of at most `maxBytes`; a longer one, or a folder, is `invalid`. */
export async function pullFile(
  incus: Incus,
  instance: string,
  path: string,
  how: Limit & { readonly maxBytes: number },
): Promise<Result<PulledFile, PlatformFailure>> {
  const purpose = `read the file ${path} of ${instance}`;
  const { limitMs, maxBytes } = how;
  const location = { path: ['instances', instance, 'files'], query: { path } };
  const answer = await callRaw(incus, { method: 'GET', ...location, purpose, instance, limitMs }, maxBytes);
  if (!answer.ok) return answer;
  const { headers, body } = answer.value;
  if (header(headers, 'type') === 'directory')
    return err(failureOf('invalid', { purpose, project: incus.project, instance }, 'it is a folder'));
  return ok({
    content: body,
    user: Number(header(headers, 'uid')),
    group: Number(header(headers, 'gid')),
    mode: Number.parseInt(header(headers, 'mode'), 8),
  });
}

/** The names in a folder, of at most `maxBytes` altogether; a file is `invalid`. */
export async function listFolder(
  incus: Incus,
  instance: string,
  path: string,
  how: Limit & { readonly maxBytes: number },
): Promise<Result<string[], PlatformFailure>> {
  const purpose = `list the folder ${path} of ${instance}`;
  const { limitMs, maxBytes } = how;
  const location = { path: ['instances', instance, 'files'], query: { path } };
  const answer = await callRaw(incus, { method: 'GET', ...location, purpose, instance, limitMs }, maxBytes);
  if (!answer.ok) return answer;
  const { headers, body } = answer.value;
  const names = header(headers, 'type') === 'directory' ? namesIn(body.toString('utf8')) : null;
  return names === null
    ? err(failureOf('invalid', { purpose, project: incus.project, instance }, 'it is not a folder'))
    : ok(names);
}

/** Makes one folder; its parent must exist. One that exists is a success. */
export function makeDirectory(
  incus: Incus,
  instance: string,
  path: string,
  how: FileOwner & Limit,
): Promise<Result<void, PlatformFailure>> {
  return put(incus, instance, path, 'directory', Buffer.alloc(0), how);
}

/** Makes a symbolic link. */
export function makeLink(
  incus: Incus,
  instance: string,
  path: string,
  target: string,
  how: FileOwner & Limit,
): Promise<Result<void, PlatformFailure>> {
  return put(incus, instance, path, 'symlink', Buffer.from(target), how);
}

/** Removes one file, or one empty folder. */
export async function deleteFile(
  incus: Incus,
  instance: string,
  path: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `remove the file ${path} of ${instance}`;
  const reply = await call(incus, { removes: { kind: 'file', instance, path }, purpose, instance, ...limit });
  return reply.ok ? ok(undefined) : reply;
}

async function put(
  incus: Incus,
  instance: string,
  path: string,
  type: 'file' | 'directory' | 'symlink',
  raw: Buffer | Readable,
  how: FileOwner & Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `write the ${type} ${path} of ${instance}`;
  const location = { path: ['instances', instance, 'files'], query: { path } };
  const headers = headersOf(type, how);
  const reply = await call(incus, {
    method: 'POST',
    ...location,
    raw,
    headers,
    purpose,
    instance,
    limitMs: how.limitMs,
  });
  return reply.ok ? ok(undefined) : reply;
}

function namesIn(text: string): string[] | null {
  try {
    const names = (JSON.parse(text) as { metadata?: unknown }).metadata ?? [];
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : null;
  } catch {
    return null;
  }
}

/** Both spellings: LXD knows only its own, Incus knows both. */
function headersOf(type: string, owner: FileOwner): Record<string, string> {
  const known = {
    type,
    ...(type === 'file' ? { write: 'overwrite' } : {}),
    ...(owner.user === undefined ? {} : { uid: String(owner.user) }),
    ...(owner.group === undefined ? {} : { gid: String(owner.group) }),
    ...(owner.mode === undefined ? {} : { mode: `0${owner.mode.toString(8)}` }),
  };
  const both = Object.entries(known).flatMap(([key, value]) => [
    [`X-Incus-${key}`, value],
    [`X-LXD-${key}`, value],
  ]);
  return Object.fromEntries(both) as Record<string, string>;
}

function header(headers: IncomingHttpHeaders, key: string): string {
  const value = headers[`x-incus-${key}`] ?? headers[`x-lxd-${key}`];
  return typeof value === 'string' ? value : '';
}
