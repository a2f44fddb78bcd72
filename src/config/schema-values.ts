import * as z from 'zod/mini';
import type { TextMatch, Words } from '../check-definition.ts';
import { parseDuration } from '../duration.ts';
import {
  describeTimeLimits,
  isWithin,
  mostTimeMs,
  numberLimits,
  type NumberLimits,
  type TimeLimits,
} from './limits.ts';
import { parseStatusRanges } from '../status-range.ts';
import { variableNameForm } from './variable-name.ts';

/**
 * The values that stand in guard.yaml, each as people write it and as the program uses it. The error of each is not a
 * sentence but what was expected, e.g. `a time like 30s`: `issue.ts` makes the sentence.
 */

export const timeExpected = 'a time like 500ms, 30s or 5m';
export const booleanExpected = 'true or false';

const timeForm = /^(0|\d+(\.\d+)?(ms|s|m|h|d))$/;
const timeOrNeverForm = /^(never|0|\d+(\.\d+)?(ms|s|m|h|d))$/;

/** What an editor says about a key. */
export interface KeyMeta {
  readonly description: string;
  /** As it would be written. */
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

/** An optional key. */
export function optional<T extends z.core.$ZodType>(value: T, meta: KeyMeta): z.ZodMiniOptional<T> {
  const key = z.optional(value);
  z.globalRegistry.add(key, { ...meta });
  return key;
}

/** A required key. */
export function needed<T extends z.ZodMiniType>(value: T, meta: KeyMeta): T {
  return value.check(z.meta({ ...meta }));
}

/** A value as the program uses it. What `complain` is given is what was expected. */
export function changed<T extends z.core.$ZodType, O>(
  value: T,
  change: (given: z.output<T>, complain: (expected: string) => void) => O,
) {
  return z.pipe(
    value,
    z.transform((given: z.output<T>, { issues }) =>
      change(given, (message) => issues.push({ code: 'custom', message, input: given })),
    ),
  );
}

/** Milliseconds. */
export function time(leastMs: number, mostMs = mostTimeMs) {
  return timeWithin({ leastMs, mostMs });
}

/** Milliseconds. */
export function timeWithin(limits: TimeLimits) {
  return changed(pattern(timeForm, timeExpected), (text, complain) => readTime(text, limits, false, complain));
}

/** Milliseconds; null for `never`. */
export function timeOrNever(limits: TimeLimits) {
  return changed(pattern(timeOrNeverForm, `${timeExpected}, or never`), (text, complain) =>
    text === 'never' ? null : readTime(text, limits, true, complain),
  );
}

function readTime(text: string, limits: TimeLimits, orNever: boolean, complain: (expected: string) => void): number {
  const parsed = parseDuration(text);
  if (parsed.ok && isWithin(parsed.value, limits)) return parsed.value;
  complain(describeTimeLimits(limits, orNever));
  return limits.leastMs;
}

/** Text of a form. */
export function pattern(form: RegExp, error: string) {
  return z.string({ error }).check(z.regex(form, { error }));
}

export const flag = z.boolean({ error: booleanExpected });

export function wholeNumber(least: number, most: number, what = 'a whole number') {
  const error = `${what}, ${least} to ${most}`;
  return z.int({ error }).check(z.minimum(least, { error }), z.maximum(most, { error }));
}

export function numberWithin({ least, most }: NumberLimits) {
  return wholeNumber(least, most);
}

export const port = wholeNumber(1, 65_535, 'a port');

/** Names of users are not looked up inside. */
export const userId = wholeNumber(numberLimits.userId.least, numberLimits.userId.most, 'a numeric id');

const textExpected = 'a text';

/** Text of one or many lines. */
export const text = z.string({ error: textExpected });

export const someText = z.string({ error: textExpected }).check(z.minLength(1, { error: 'a text that is not empty' }));

/** Numbers are texts where only a text can be meant. */
const word = changed(z.union([z.string(), z.number()], { error: textExpected }), String);

/** Absolute. */
export function path(what: string) {
  return pattern(/^\//, `the absolute path of a ${what}`);
}

const commandExpected = 'a command: one text for a shell (sh -c), or a list of words without a shell';

/** A text goes to `sh -c`; a list is the argument vector itself. */
export const command = changed(
  z.union(
    [
      z.string().check(z.regex(/\S/, { error: 'a command that is not empty' })),
      z.array(word).check(
        z.minLength(1, { error: 'a list with at least one word' }),
        z.refine((words) => words[0] !== '', { error: 'a list that begins with the name of a program' }),
      ),
    ],
    { error: commandExpected },
  ),
  (given): Words => (typeof given === 'string' ? ['sh', '-c', given] : (given as [string, ...string[]])),
);

const variableName = pattern(
  variableNameForm,
  'the name of a variable: letters, digits and "_", not beginning with a digit',
);

export const variables = z.record(variableName, word, { error: 'a mapping of variables to their values' });

/** Null takes an inherited variable away. */
export const inheritedVariables = z.record(variableName, z.nullable(word), {
  error: 'a mapping of variables to their values',
});

export const headers = z.record(pattern(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'the name of a header'), word, {
  error: 'a mapping of headers to their values',
});

/** One or a list, as a list. */
export function oneOrMore<T extends z.core.$ZodType>(item: T, error: string) {
  return changed(
    z.union([item, z.array(item).check(z.minLength(1, { error: 'a list with at least one item' }))], { error }),
    (given) => (Array.isArray(given) ? given : [given]) as z.output<T>[],
  );
}

/** `200`, `0,100-103`. */
export function statuses(least: number, most: number, example: string) {
  const error = `statuses from ${least} to ${most}, written like ${example}`;
  return changed(z.union([z.int({ error }), pattern(statusesForm, error)], { error }), (given, complain) => {
    const ranges = parseStatusRanges(String(given), least, most);
    if (ranges === null) complain(error);
    return ranges ?? [];
  });
}

const statusesForm = /^\s*\d{1,3}(\s*-\s*\d{1,3})?(\s*,\s*\d{1,3}(\s*-\s*\d{1,3})?)*\s*$/;

/** A key that is not known carries what is, for the sentence that names the nearest. */
export interface UnknownKey {
  /** Which kind of mapping it is in. */
  readonly within: Within;
  readonly known: readonly string[];
}

export type Within =
  | 'file'
  | 'settings'
  | 'check'
  | 'tls'
  | 'automatic'
  | 'match'
  | 'policies'
  | 'hook'
  | 'notice'
  | 'hooks'
  | 'hookCommand'
  | 'rollout';

/** A mapping in which every other key is a mistake. */
export function mapping<Shape extends z.core.$ZodLooseShape>(within: Within, shape: Shape, error = 'a mapping') {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? // zod carries messages as texts only.
          JSON.stringify({ within, known: Object.keys(shape) } satisfies UnknownKey)
        : error,
  });
}

/** A text that must be in it, or a regular expression. */
export const textMatch = changed(
  z.union(
    [
      someText,
      mapping('match', {
        matches: z
          .string({ error: 'a regular expression' })
          .check(
            z.minLength(1, { error: 'a regular expression' }),
            z.refine(isRegularExpression, { error: 'a regular expression in the syntax of JavaScript' }),
          ),
      }),
    ],
    { error: 'a text to look for, or { matches: "a regular expression" }' },
  ),
  (given): TextMatch =>
    typeof given === 'string' ? { kind: 'text', text: given } : { kind: 'regex', pattern: given.matches },
);

function isRegularExpression(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern, 'm'));
  } catch {
    return false;
  }
}

export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: formatChoice(words) });
}

function formatChoice(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
