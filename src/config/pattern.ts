import picomatch from 'picomatch';
import { err, ok, type Result } from '../result.ts';
import type { InstanceName } from './instance-name.ts';

/** A key below `instances`: the instances that it matches, and how specific it is. */
export interface InstancePattern {
  readonly matches: (instance: InstanceName) => boolean;
  /** Compared from the left; the larger is the more exact. */
  readonly exactness: readonly number[];
}

/**
 * Reads `name` or `remote:name`, both with `*`, `?`, `[a-z]`, `[!a-z]` and `{one,other}`. Without a remote it means
 * the instances of that name on every remote; `local:` is the machine's own daemon. Keys do not distinguish projects.
 *
 * A whole name is more exact than a glob; of two globs the one with more literal characters is; of two alike, the one with
 * a remote. The error is one sentence.
 */
export function readPattern(text: string): Result<InstancePattern, string> {
  const match = /^(?:([^:]*):)?([^:]*)$/.exec(text);
  const remote = match?.[1] ?? null;
  const name = match?.[2] ?? '';
  if (!match || !nameForm.test(name))
    return err('Write the name of an instance (letters, digits and hyphens) or a glob like "web-*".');
  if (remote !== null && !remoteForm.test(remote)) return err('Write the remote before the colon, like "prod:web-*".');
  const ofName = matcher(name);
  const ofRemote = remote === null ? () => true : matcher(remote);
  if (ofName === null || ofRemote === null)
    return err(`This is not a valid glob: close every bracket, and use at most ${mostStars} "*".`);
  return ok({
    matches: (instance) => ofName(instance.name) && ofRemote(instance.remote ?? 'local'),
    exactness: [isGlob(name) ? 0 : 1, literalLength(name), remote === null ? 0 : 1, literalLength(remote ?? '')],
  });
}

/** Negative where `a` is less exact. */
export function compareExactness(a: InstancePattern, b: InstancePattern): number {
  const index = a.exactness.findIndex((part, at) => part !== b.exactness[at]);
  return index === -1 ? 0 : (a.exactness[index] ?? 0) - (b.exactness[index] ?? 0);
}

const nameForm = /^[A-Za-z0-9*?[\]{},!^-]{1,128}$/;
const remoteForm = /^[\w.*?[\]{},!^-]{1,128}$/;

/** Each multiplies the ways in which a name can be cut: a few hundred would take for ever. */
const mostStars = 5;

/** Null where it is no glob. */
function matcher(glob: string): ((text: string) => boolean) | null {
  if (!isGlob(glob)) return (text) => text === glob;
  if (glob.split('*').length - 1 > mostStars || !isBalanced(glob)) return null;
  try {
    // picomatch knows only the regular expressions' way to negate a class.
    return picomatch(glob.replaceAll('[!', '[^'), { nonegate: true, noextglob: true, dot: true, strictBrackets: true });
  } catch {
    return null;
  }
}

function isGlob(text: string): boolean {
  return /[*?[\]{},!^]/.test(text);
}

function isBalanced(glob: string): boolean {
  return !/[[\]{},!^]/.test(withoutGroups(glob));
}

function literalLength(glob: string): number {
  return withoutGroups(glob).replace(/[*?]/g, '').length;
}

/** Without `[…]` and `{…}`. */
function withoutGroups(glob: string): string {
  return glob.replace(/\[[!^]?[\w.-]+\]/g, '').replace(/\{[\w.,*?-]+\}/g, '');
}
