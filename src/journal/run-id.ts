import { randomInt } from 'node:crypto';
import { err, ok, type Result } from '../result.ts';

/** Letters and digits that are not confused when read aloud. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

const suffixLength = 4;

/** A new run's id: UTC date and time, so that ids sort by time, and four random characters, e.g. `20261123-055126-k3f9`. */
export function newRunId(now: number, random: (below: number) => number = randomInt): string {
  const [date = '', time = ''] = new Date(now)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .split('T');
  const suffix = Array.from({ length: suffixLength }, () => alphabet.charAt(random(alphabet.length))).join('');
  return `${date.replaceAll('-', '')}-${time.replaceAll(':', '')}-${suffix}`;
}

/** Whether a text has the form of a run id. Only such texts become part of a path. */
export function isRunId(text: string): boolean {
  return /^\d{8}-\d{6}-[a-z0-9]{4}$/.test(text);
}

/** When a run with this id began, to the second, in milliseconds since 1970; null where the text is no run's id. */
export function timeOfRunId(id: string): number | null {
  if (!isRunId(id)) return null;
  const time = Date.parse(id.replace(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-.*$/, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isNaN(time) ? null : time;
}

/** Why an abbreviation does not identify a run. */
export type NoSuchRun =
  | { readonly kind: 'unknown' }
  /** Several runs fit; the newest are named. */
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[] };

/**
 * The run that a person means: a whole id, the beginning of one, its last four characters, or `last`.
 * `ids` are the known ones, newest first.
 */
export function findRunId(ids: readonly string[], wanted: string): Result<string, NoSuchRun> {
  const text = wanted.trim().toLowerCase();
  const fitting = text === 'last' ? ids.slice(0, 1) : ids.filter((id) => isAbbreviation(id, text));
  const [first, second] = fitting;
  if (first === undefined) return err({ kind: 'unknown' });
  return second === undefined ? ok(first) : err({ kind: 'ambiguous', candidates: fitting.slice(0, 5) });
}

function isAbbreviation(id: string, text: string): boolean {
  return text !== '' && (id.startsWith(text) || (text.length === suffixLength && id.endsWith(`-${text}`)));
}
