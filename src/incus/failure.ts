import { neutralise, shellWords } from '../text.ts';
import { clearingOf } from './clearing.ts';

/** What kind of thing went wrong, as far as the caller has to tell them apart. */
export type IncusFailureKind =
  /** No daemon answers on the socket; nothing was sent. */
  | 'unreachable'
  /** The socket, or the server, does not let this user in. */
  | 'forbidden'
  /** The instance, snapshot, volume, pool, project, file or operation does not exist. */
  | 'not-found'
  /** Another operation holds the instance. */
  | 'busy'
  /** `If-Match` did not match: somebody changed it in between (HTTP 412). */
  | 'changed'
  /** The name exists already. */
  | 'name-taken'
  | 'no-space'
  /** The project does not allow it. */
  | 'restricted'
  /** The request is refused as it is (HTTP 400 and the like, or by guard itself). */
  | 'invalid'
  /** The limit was reached. UNKNOWN, not failed: what was asked may still go on, see `operation`. */
  | 'timed-out'
  /** The connection broke after the request was sent. UNKNOWN, not failed: see `operation`. */
  | 'connection-lost'
  /** Anything else that the server said, or an answer that could not be read. */
  | 'server';

/** What was asked, what was said, and what to do: the only form of an expected failure of this room. */
export interface IncusFailure {
  readonly kind: IncusFailureKind;
  /** What guard wanted, to be read after "could not": `take the snapshot g1 of web01`. */
  readonly purpose: string;
  /** What the server, or the operating system, said, as a sentence; control characters neutralised. */
  readonly detail: string;
  /** HTTP status or the operation's status code; null when nobody answered. */
  readonly code: number | null;
  /** What to do next, one sentence with a real command where there is one; empty when there is nothing to advise. */
  readonly advice: string;
  /** Id of the operation that may still go on; give it to `settle` (operations.ts). Null when there is none. */
  readonly operation: string | null;
}

/** The failure as one or two sentences for a person: `Could not …: …. Advice.` */
export function describeFailure(failure: IncusFailure): string {
  return `Could not ${failure.purpose}: ${failure.detail}${failure.advice === '' ? '' : ` ${failure.advice}`}`;
}

/** What a failure is about: enough to print commands that work. */
export interface About {
  readonly purpose: string;
  readonly project: string;
  readonly instance?: string;
}

/** Builds a failure. `said` may be raw: it is neutralised and ends as a sentence. */
export function failureOf(
  kind: IncusFailureKind,
  about: About,
  detail: string,
  more: { readonly code?: number | null; readonly advice?: string; readonly operation?: string | null } = {},
): IncusFailure {
  return {
    kind,
    purpose: about.purpose,
    detail: sentence(neutralise(detail, 1000)),
    code: more.code ?? null,
    advice: more.advice ?? adviceFor(kind, about, detail, more.operation ?? null),
    operation: more.operation ?? null,
  };
}

/** Builds the failure for what a server said with this status. */
export function serverFailure(about: About, code: number, detail: string): IncusFailure {
  return failureOf(kindOf(code, detail), about, detail === '' ? `HTTP status ${code} without a reason` : detail, {
    code,
  });
}

/** The status says little (500 for most); the text decides first. Texts are of Incus 6.0 to 7.x and LXD 5 and 6. */
function kindOf(code: number, detail: string): IncusFailureKind {
  for (const [kind, form] of signs) if (form.test(detail)) return kind;
  if (code === 404) return 'not-found';
  if (code === 412) return 'changed';
  if (code === 401 || code === 403) return 'forbidden';
  if (code === 409) return 'name-taken';
  return code === 400 ? 'invalid' : 'server';
}

const signs: readonly (readonly [IncusFailureKind, RegExp])[] = [
  ['busy', /is busy running a/i],
  ['busy', /storage volume is still in use|volume used by running instances/i],
  ['name-taken', /UNIQUE constraint failed|already exists\b/i],
  ['no-space', /no space left on device|disk quota exceeded|not enough (free )?space/i],
  ['restricted', /Project "[^"]*" doesn't allow|not allowed in (this )?project|is forbidden in project/i],
  ['changed', /^ETag doesn't match/i],
  ['timed-out', /context deadline exceeded/i],
  ['not-found', /^Snapshot \S+ does not exist|\bnot found$|^sftp: "lstat .*: not a directory"/i],
  ['invalid', /^Invalid (config|snapshot name|devices?)\b|file name too long|cannot contain/i],
];

function adviceFor(kind: IncusFailureKind, about: About, detail: string, operation: string | null): string {
  const project = about.project === 'default' ? [] : ['--project', about.project];
  const command = (...words: string[]): string => `\`${shellWords(['incus', ...words, ...project])}\``;
  switch (kind) {
    case 'busy':
      return busyAdvice(about, detail, command);
    case 'restricted':
      return restrictedAdvice(detail, about.project);
    case 'no-space':
      return 'Make room in the storage pool (`incus storage list`, `incus storage info POOL`) and try again.';
    case 'timed-out':
    case 'connection-lost':
      return operation === null
        ? `It is not known whether it happened: see ${command('operation', 'list')}.`
        : `It may still go on: see ${command('operation', 'show', operation)}.`;
    case 'not-found':
      return /Project not found/i.test(detail)
        ? 'See `incus project list`.'
        : /Instance not found/i.test(detail)
          ? `See ${command('list')}.`
          : '';
    case 'changed':
      return 'Somebody changed it at the same moment; try again.';
    case 'forbidden':
      return 'The server does not let this user do that; ask whoever administers it.';
    case 'server':
      return leftOverAdvice(detail);
    case 'name-taken':
    case 'invalid':
    case 'unreachable':
      return '';
    default:
      return kind satisfies never;
  }
}

function leftOverAdvice(detail: string): string {
  const clearing = clearingOf(detail);
  return clearing === null
    ? ''
    : `An interrupted restore left the file system from before it: on the server, clear it away with \`${clearing}\`, and restore again.`;
}

function busyAdvice(about: About, detail: string, command: (...words: string[]) => string): string {
  return about.instance !== undefined && /busy running a "?(stop|restart)/i.test(detail)
    ? `A stop that hangs is ended by ${command('stop', '--force', about.instance)}.`
    : `See what is under way with ${command('operation', 'list')}.`;
}

function restrictedAdvice(detail: string, project: string): string {
  const name = /Project "([^"]+)"/.exec(detail)?.[1] ?? project;
  return /snapshot/i.test(detail)
    ? `An administrator of the server can allow it: \`${shellWords(['incus', 'project', 'set', name, 'restricted.snapshots=allow'])}\`.`
    : `An administrator of the server can see what is restricted with \`${shellWords(['incus', 'project', 'show', name])}\`.`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
