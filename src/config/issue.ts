import type * as z from 'zod/mini';
import { nearest, neutralise } from '../text.ts';
import { adviceFor } from './advice.ts';
import { isMapping, valueAt, type Path, type ReadDocument } from './document.ts';
import type { ConfigurationMistake, SourceLocation } from './mistake.ts';
import { checkKinds, commonCheckKeys } from './schema-check.ts';
import type { UnknownKey, Within } from './schema-values.ts';
import { settingNames } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** Converts schema errors to sentences with their position in the file. */
export function mistakesOf(
  file: string,
  document: ReadDocument,
  issues: readonly Issue[],
): readonly ConfigurationMistake[] {
  return issues.flatMap((issue) => mistakesOfIssue({ file, document }, issue));
}

interface Source {
  readonly file: string;
  readonly document: ReadDocument;
}

function mistakesOfIssue(source: Source, issue: Issue): ConfigurationMistake[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(source, path, key, JSON.parse(issue.message) as UnknownKey));
  if (issue.code === 'invalid_key') return [wrongKey(source, path, issue.issues[0]?.message ?? 'another key')];
  if (issue.code === 'invalid_union') return mistakesOfUnion(source, path, issue);
  return [wrongValue(source, path, issue.message)];
}

function mistakesOfUnion(
  source: Source,
  path: Path,
  issue: Extract<Issue, { code: 'invalid_union' }>,
): ConfigurationMistake[] {
  const value = valueAt(source.document.value, path);
  if (isCheckPath(path)) return mistakesOfCheck(source, path, issue, value);
  // The alternatives differ in their type: what was meant is the one whose type is there.
  const meant = issue.errors.filter(
    (branch) =>
      !branch.some(({ code, path }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')),
  );
  const [only] = meant;
  if (!only || meant.length > 1) return [wrongValue(source, path, issue.message)];
  return only.flatMap((inner) => mistakesOfIssue(source, { ...inner, path: [...path, ...inner.path] }));
}

/** `defaults.checks.NAME` or `instances.PATTERN.checks.NAME`. */
function isCheckPath(path: Path): boolean {
  return (
    (path.length === 3 && path[0] === 'defaults' && path[1] === 'checks') ||
    (path.length === 4 && path[0] === 'instances' && path[2] === 'checks')
  );
}

/** Which kind was meant says its key; the complaints of all other kinds are of no use. */
function mistakesOfCheck(
  source: Source,
  path: Path,
  issue: Extract<Issue, { code: 'invalid_union' }>,
  value: unknown,
): ConfigurationMistake[] {
  if (!isMapping(value)) return [wrongValue(source, path, issue.message)];
  const keys = Object.keys(value);
  const kinds = keys.filter((key) => checkKinds.some((kind) => kind === key));
  const [kind, second] = kinds;
  if (kind === undefined) return [checkWithoutKind(source, path, keys)];
  if (second !== undefined)
    return [
      mistake(source, source.document.locationOfKey([...path, second]), {
        message: `${formatKey(path)} has two kinds, "${kind}" and "${second}".`,
        advice: 'Write two checks instead.',
      }),
    ];
  const branch = issue.errors[checkKinds.findIndex((name) => name === kind)] ?? [];
  return branch.flatMap((inner) => mistakesOfIssue(source, { ...inner, path: [...path, ...inner.path] }));
}

function checkWithoutKind(source: Source, path: Path, keys: readonly string[]): ConfigurationMistake {
  for (const key of keys.filter((key) => !commonCheckKeys.includes(key))) {
    const near = nearest(key, checkKinds);
    if (near !== null)
      return mistake(source, source.document.locationOfKey([...path, key]), {
        message: `There is no kind of check ${quote(key)}.`,
        advice: `Did you mean "${near}"?`,
      });
  }
  return mistake(source, source.document.locationOfKey(path), {
    message: `${formatKey(path)} has no kind.`,
    advice: `It needs one of ${checkKinds.join(', ')}${keys.includes('kind') ? ', as a key of its own: for example http: http://{address}/' : ''}.`,
  });
}

function unknownKey(source: Source, path: Path, key: string, { within, known }: UnknownKey): ConfigurationMistake {
  return mistake(source, source.document.locationOfKey([...path, key]) ?? source.document.locationOfValue(path), {
    message: `${thereIsNo[within]} ${quote(key)}.`,
    advice: elsewhere(key, within) ?? nearestAdvice(key, within, known),
  });
}

const thereIsNo: Readonly<Record<Within, string>> = {
  file: 'At the top level there is no key',
  settings: 'There is no setting',
  check: 'This kind of check has no',
  tls: 'In tls there is no key',
  automatic: 'In automatic there is no key',
  match: 'To match a text there is no key',
  policies: 'There is no cause',
  hook: 'In hook there is no key',
  notice: 'In a notification there is no key',
  hooks: 'There is no moment',
  hookCommand: 'A hook has no',
  rollout: 'In rollout there is no key',
};

/** Right words in the wrong place. */
function elsewhere(key: string, within: Within): string | null {
  if (key === '<<') return 'YAML 1.2 has no merge keys.';
  if (within === 'file' && settingNames.includes(key))
    return `"${key}" is a setting: write it below "defaults" or below an instance.`;
  if (within === 'check' && settingNames.includes(key))
    return `"${key}" is a setting of the whole run: write it beside "checks".`;
  const ofCheck = [...checkKinds, ...commonCheckKeys].includes(key);
  return within === 'settings' && ofCheck
    ? `"${key}" belongs to a check: write it in a named check below "checks".`
    : null;
}

function nearestAdvice(key: string, within: Within, known: readonly string[]): string {
  const near = nearest(key, known) ?? onlyOneThatBegins(key, known);
  if (near !== null) return `Did you mean "${near}"?`;
  if (within === 'file') return 'There are "defaults", "instances", "groups" and "rollout".';
  return `There are ${known.join(', ')}.`;
}

/** `env` for `environment`, and `expectBody` for `expect`. */
function onlyOneThatBegins(key: string, known: readonly string[]): string | null {
  const [only, second] = known.filter(
    (name) => key.length > 2 && (name.startsWith(key) || (name.length > 3 && key.startsWith(name))),
  );
  return second === undefined ? (only ?? null) : null;
}

function wrongKey(source: Source, path: Path, expected: string): ConfigurationMistake {
  return mistake(source, source.document.locationOfKey(path), {
    message: `${quote(String(path.at(-1)))} is not ${expected}.`,
    advice: '',
  });
}

function wrongValue(source: Source, path: Path, expected: string): ConfigurationMistake {
  const value = valueAt(source.document.value, path);
  // A mapping without the key, not a key without a value.
  if (value === undefined && source.document.locationOfKey(path) === null && path.length > 0)
    return mistake(source, source.document.locationOfKey(path.slice(0, -1)) ?? source.document.locationOfValue(path), {
      message: `${formatKey(path)} is missing: ${expected}.`,
      advice: '',
    });
  return mistake(source, source.document.locationOfValue(path), {
    message: `${formatKey(path)} must be ${expected}, but is ${formatValue(value)}.`,
    advice: adviceFor(value, expected),
  });
}

function mistake(
  { file }: Source,
  location: SourceLocation | null,
  said: Pick<ConfigurationMistake, 'message' | 'advice'>,
): ConfigurationMistake {
  return { file, location, ...said };
}

function formatKey(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'The file';
  return typeof last === 'number' ? `Item ${last + 1} of ${formatKey(path.slice(0, -1))}` : quote(last);
}

function formatValue(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? quote(value) : JSON.stringify(value);
}

function quote(text: string): string {
  return `"${neutralise(text, 80)}"`;
}
