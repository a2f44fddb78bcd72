import { neutralise } from '../text.ts';

/** The maximum length of a line, in bytes, including the line feed. A client writes such a line atomically. */
export const longestLine = 512;

/** One package of a transaction; a version is null if it is unknown or absent. */
export interface PackageChange {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** One line of a client. `id` is the process id of the client. */
export type Message = { readonly id: string } & (
  | { readonly kind: 'ping' }
  /** A package manager is about to change something. Lines about it follow; `ask` ends them. */
  | { readonly kind: 'pre'; readonly manager: string; readonly pid: number }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'package'; readonly change: PackageChange }
  /** The number of packages that are not listed. */
  | { readonly kind: 'more'; readonly count: number }
  | { readonly kind: 'ask' }
  /** The package manager has finished; `status` is null if its hook does not know it. */
  | { readonly kind: 'post'; readonly manager: string; readonly pid: number; readonly status: number | null }
);

/** Parses one line. Its first word is the version of the protocol. Null for anything that is not exactly a message of version 1: root in the instance can write anything. */
export function readMessage(line: string): Message | null {
  const match = /^1 (\d{1,10}) ([a-z]+)(?: (.*))?$/.exec(line);
  if (match === null) return null;
  const [, id = '', kind = '', rest = ''] = match;
  const words = rest.split(' ');
  switch (kind) {
    case 'ping':
    case 'ask':
      return rest === '' ? { id, kind } : null;
    case 'pre':
      return readPre(id, words);
    case 'command':
      return { id, kind, text: neutralise(rest, longestLine) };
    case 'package':
      return readPackage(id, words);
    case 'more':
      return /^\d{1,6}$/.test(rest) ? { id, kind, count: Number(rest) } : null;
    case 'post':
      return readPost(id, words);
    default:
      return null;
  }
}

function readPre(id: string, words: readonly string[]): Message | null {
  const process = readProcess(words);
  return process === null || words.length !== 2 ? null : { id, kind: 'pre', ...process };
}

function readPost(id: string, words: readonly string[]): Message | null {
  const process = readProcess(words);
  const [, , status = ''] = words;
  if (process === null || words.length !== 3 || !/^(-|\d{1,3})$/.test(status)) return null;
  return { id, kind: 'post', ...process, status: status === '-' ? null : Number(status) };
}

function readProcess([manager = '', pid = '']: readonly string[]): { manager: string; pid: number } | null {
  return /^[a-z][a-z0-9-]{0,19}$/.test(manager) && /^[1-9]\d{0,9}$/.test(pid) ? { manager, pid: Number(pid) } : null;
}

function readPackage(id: string, words: readonly string[]): Message | null {
  const [name = '', from = '', to = ''] = words;
  if (words.length !== 3 || name === '' || from === '' || to === '') return null;
  return { id, kind: 'package', change: { name: shown(name), from: version(from), to: version(to) } };
}

function version(text: string): string | null {
  return text === '-' ? null : shown(text);
}

function shown(text: string): string {
  return neutralise(text, 200);
}

/** The answer of the host to a client, in one line. */
export type Reply =
  | { readonly kind: 'pong'; readonly version: string }
  /** The restore point exists; `ms` is how long creating it took. */
  | { readonly kind: 'go'; readonly run: string; readonly restorePoint: string; readonly ms: number }
  | { readonly kind: 'go-already-guarded' }
  | { readonly kind: 'go-unguarded'; readonly reason: string }
  | { readonly kind: 'no'; readonly reason: string }
  | { readonly kind: 'ok' };

/** The line of a reply, without line feed. */
export function writeReply(reply: Reply): string {
  switch (reply.kind) {
    case 'pong':
      return `pong ${reply.version}`;
    case 'go':
      return `go ${reply.run} ${reply.restorePoint} ${Math.round(reply.ms)}`;
    case 'go-unguarded':
    case 'no':
      return `${reply.kind} ${neutralise(reply.reason, 350)}`;
    case 'go-already-guarded':
    case 'ok':
      return reply.kind;
  }
}
