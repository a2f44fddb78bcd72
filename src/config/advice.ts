import { parseDuration } from '../duration.ts';
import { nearest, neutralise } from '../text.ts';
import { writeTime } from './limits.ts';
import { booleanExpected, timeExpected } from './schema-values.ts';

/** Suggests a correction of a value, or returns an empty text. */
export function adviceFor(value: unknown, expected: string): string {
  if (expected.startsWith(timeExpected)) return adviceForTime(value);
  if (expected === booleanExpected) return adviceForBoolean(value);
  const placeholder = placeholderIn(value);
  if (placeholder !== null) return `A text that begins with "{" needs quotes: "${placeholder}".`;
  if (typeof value === 'boolean' && expected.startsWith('a text')) return `As a text, write it in quotes: "${value}".`;
  if (expected.includes('numeric id') && typeof value === 'string')
    return `guard does not look up names in the instance: run \`id -u ${neutralise(value, 40)}\` in the instance for its number.`;
  return typeof value === 'string' ? adviceForWord(value, expected) : '';
}

function adviceForTime(value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : '';
  if (/^\d+(\.\d+)?$/.test(text)) return `Write the unit: ${text}s.`;
  const ms = spelledTime(text);
  return ms === null ? '' : `Write ${writeTime(ms)}.`;
}

/** `1m30s` as Go writes it, `30 sec`, `5min`. Milliseconds, or null. */
function spelledTime(text: string): number | null {
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*){1,5}$/i.test(text)) return null;
  let sum = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const known = Object.entries(spelledUnits).find(([, words]) => words.test(unit))?.[0];
    const part = parseDuration(`${number}${known ?? ''}`);
    if (known === undefined || !part.ok) return null;
    sum += part.value;
  }
  return sum;
}

const spelledUnits = {
  ms: /^(ms|msecs?|milliseconds?)$/i,
  s: /^(s|secs?|seconds?)$/i,
  m: /^(m|mins?|minutes?)$/i,
  h: /^(h|hrs?|hours?)$/i,
  d: /^(d|days?)$/i,
};

function adviceForBoolean(value: unknown): string {
  if (typeof value !== 'string') return '';
  const word = value.toLowerCase();
  if (['yes', 'y', 'on', 'true'].includes(word)) return 'In YAML 1.2 write true.';
  return ['no', 'n', 'off', 'false'].includes(word) ? 'In YAML 1.2 write false.' : '';
}

/** `server: {address}` is a mapping for YAML. */
function placeholderIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const [key] = Object.keys(value);
  return key?.startsWith('address') ? `{${neutralise(key, 40)}}` : null;
}

/** The nearest word of an expectation that lists them: `required or advisory`. */
function adviceForWord(value: string, expected: string): string {
  if (!/^[\w, ]+ or \w+$/.test(expected)) return '';
  const near = nearest(value, expected.split(/, | or /));
  return near === null ? '' : `Did you mean ${near}?`;
}
