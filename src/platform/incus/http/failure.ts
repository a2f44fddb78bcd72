import { shellWords } from '../../../text.ts';
import { platformFailure, type PlatformFailure, type PlatformFailureKind } from '../../failure.ts';
import { clientOf, type Product } from '../product.ts';
import { clearingOf } from '../storage/clearing.ts';

/** What a failure is about: enough to print commands that work. */
export interface About {
  readonly purpose: string;
  readonly project: string;
  readonly instance?: string;
  /** Whose client advice names; Incus' where it is left out. */
  readonly product?: Product;
}

/** Builds a failure, with what to do about it. `detail` may be raw. */
export function failureOf(
  kind: PlatformFailureKind,
  about: About,
  detail: string,
  more: Partial<Pick<PlatformFailure, 'code' | 'advice' | 'operation'>> = {},
): PlatformFailure {
  const clearing = clearingOf(detail);
  return platformFailure(kind, about.purpose, detail, {
    advice: adviceFor(kind, about, detail, more.operation ?? null),
    repair: clearing === null ? [] : [clearing],
    ...more,
  });
}

/** Builds the failure for what a server said with this status. */
export function serverFailure(about: About, code: number, detail: string): PlatformFailure {
  return failureOf(kindOf(code, detail), about, detail === '' ? `HTTP status ${code} without a reason` : detail, {
    code,
  });
}

/** The status says little (500 for most); the text decides first. Texts are of Incus 6.0 to 7.x and LXD 5 and 6. */
function kindOf(code: number, detail: string): PlatformFailureKind {
  for (const [kind, form] of signs) if (form.test(detail)) return kind;
  if (code === 404) return 'not-found';
  if (code === 412) return 'changed';
  if (code === 401 || code === 403) return 'forbidden';
  if (code === 409) return 'name-taken';
  return code === 400 ? 'invalid' : 'server';
}

const signs: readonly (readonly [PlatformFailureKind, RegExp])[] = [
  ['inconsistent-snapshots', /snapshot record (count doesn't match|missing)/],
  ['cancelled', /context canceled/],
  // A server that has just started tries its networks again once a minute.
  ['not-ready', /Network "[^"]*" unavailable on this server/],
  ['busy', /is busy running a/i],
  ['busy', /storage volume is still in use|volume used by running instances/i],
  // A restore or a snapshot, while the instance is dying or somebody else stops it (test/e2e/states.test.ts).
  ['busy', /^In use\.?$|freezing the container failed|container is already frozen/i],
  // A stop or a restore of an instance that reboots by itself.
  [
    'busy',
    /^Failed restarting instance: The instance is already running|^Failed stopping instance, status is "Running"/i,
  ],
  // For half a second after init died the instance counts as running, and nothing can be done in it.
  ['invalid', /container (isn't|is not) running|Failed to retrieve PID of executing child process/i],
  ['name-taken', /UNIQUE constraint failed|already exists\b/i],
  ['no-space', /no space left on device|disk quota exceeded|not enough (free )?space/i],
  ['restricted', /Project "[^"]*" doesn't allow|not allowed in (this )?project|is forbidden in project/i],
  ['changed', /^ETag doesn't match/i],
  ['timed-out', /context deadline exceeded/i],
  ['not-found', /^Snapshot \S+ does not exist|\bnot found$|^sftp: "lstat .*: not a directory"/i],
  ['invalid', /^Invalid (config|snapshot name|devices?)\b|file name too long|cannot contain/i],
];

function adviceFor(kind: PlatformFailureKind, about: About, detail: string, operation: string | null): string {
  const client = clientOf(about.product ?? 'Incus');
  const project = about.project === 'default' ? [] : ['--project', about.project];
  const command = (...words: string[]): string => `\`${shellWords([client, ...words, ...project])}\``;
  switch (kind) {
    case 'busy':
      return busyAdvice(about, detail, command);
    case 'restricted':
      return restrictedAdvice(detail, client, about.project);
    case 'no-space':
      return `Free some space in the storage pool (\`${client} storage list\`, \`${client} storage info POOL\`) and try again.`;
    case 'timed-out':
    case 'connection-lost':
      return operation === null
        ? `The result is unknown. See ${command('operation', 'list')}.`
        : `It may still be running. See ${command('operation', 'show', operation)}.`;
    case 'not-found':
      return missingAdvice(detail, client, command);
    case 'changed':
      return 'Somebody changed it at the same moment; try again.';
    case 'forbidden':
      return 'The server does not permit this. Ask its administrator.';
    case 'server':
      return leftOverAdvice(detail);
    case 'name-taken':
    case 'invalid':
    case 'unreachable':
    case 'cancelled':
    case 'not-ready':
    case 'inconsistent-snapshots':
      return '';
    default:
      return kind satisfies never;
  }
}

function missingAdvice(detail: string, client: string, command: (...words: string[]) => string): string {
  if (/Project not found/i.test(detail)) return `See \`${client} project list\`.`;
  return /Instance not found/i.test(detail) ? `See ${command('list')}.` : '';
}

function leftOverAdvice(detail: string): string {
  const clearing = clearingOf(detail);
  return clearing === null
    ? ''
    : `An interrupted restore left the file system from before it: on the server, clear it away with \`${clearing}\`, and restore again.`;
}

function busyAdvice(about: About, detail: string, command: (...words: string[]) => string): string {
  return about.instance !== undefined && /busy running a "?(stop|restart)/i.test(detail)
    ? `To end a hanging stop, run ${command('stop', '--force', about.instance)}.`
    : `To see running operations, run ${command('operation', 'list')}.`;
}

function restrictedAdvice(detail: string, client: string, project: string): string {
  const name = /Project "([^"]+)"/.exec(detail)?.[1] ?? project;
  return /snapshot/i.test(detail)
    ? `An administrator of the server can allow it: \`${shellWords([client, 'project', 'set', name, 'restricted.snapshots=allow'])}\`.`
    : `An administrator of the server can see what is restricted with \`${shellWords([client, 'project', 'show', name])}\`.`;
}
