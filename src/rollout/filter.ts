import { err, ok, type Result } from '../result.ts';

/** What the filters of `incus list` look at. */
export interface Filterable {
  readonly name: string;
  readonly project: string;
  readonly status: string;
  readonly type: 'container' | 'virtual-machine';
  readonly architecture: string;
  readonly location: string;
  /** The configuration with that of the profiles. */
  readonly expandedConfig: Readonly<Record<string, string>>;
}

/** One word of `--filter`, read. */
export type InstanceFilter = (instance: Filterable) => boolean;

/** `ipv4=` and `ipv6=` of `incus list` need the state of every instance, which costs 30 ms each. */
const unsupported = ['ipv4', 'ipv6'];

/**
 * Reads one filter as `incus list` does: the beginning of a name, a regular expression on the whole name, a shorthand (`status`,
 * `type`, `architecture`, `location`, and guard's own `project`) with values separated by commas, or a configuration key, whose
 * parts may be abbreviated, with a value or a regular expression. The error is one sentence.
 */
export function parseFilter(text: string): Result<InstanceFilter, string> {
  const at = text.indexOf('=');
  if (text === '' || at === 0) return err(`"${text}" is no filter: write it like status=running.`);
  if (at === -1) return ok(nameFilter(text));
  const key = text.slice(0, at);
  const value = text.slice(at + 1);
  if (unsupported.includes(key))
    return err(`guard cannot filter by ${key}: name the instances, or filter by another key.`);
  const shorthand = shorthands[key];
  return ok(shorthand === undefined ? configurationFilter(key, value) : shorthand(value));
}

const shorthands: Readonly<Record<string, (value: string) => InstanceFilter>> = {
  type: (value) => oneOf(value, ({ type }) => type),
  status: (value) => oneOf(value, ({ status }) => status),
  architecture: (value) => oneOf(value, ({ architecture }) => architecture),
  location: (value) => oneOf(value, ({ location }) => location),
  project: (value) => oneOf(value, ({ project }) => project),
};

/** The key of a filter that neither guard nor any of the instances knows; null where there is none. */
export function unknownFilterKey(text: string, instances: readonly Filterable[]): string | null {
  const at = text.indexOf('=');
  const key = text.slice(0, Math.max(0, at));
  if (key === '' || Object.hasOwn(shorthands, key)) return null;
  const isKnown = instances.some(({ expandedConfig }) =>
    Object.keys(expandedConfig).some((name) => isAbbreviation(key, name)),
  );
  return isKnown ? null : key;
}

/** The keys that are not of the configuration. */
export const filterKeys: readonly string[] = Object.keys(shorthands);

function oneOf(values: string, of: (instance: Filterable) => string): InstanceFilter {
  const wanted = values.toLowerCase().split(',');
  return (instance) => wanted.includes(of(instance).toLowerCase());
}

function nameFilter(text: string): InstanceFilter {
  const expression = wholeExpression(text);
  return ({ name }) => name.startsWith(text) || expression?.test(name) === true;
}

function configurationFilter(key: string, value: string): InstanceFilter {
  const expression = wholeExpression(value);
  return ({ expandedConfig }) =>
    Object.entries(expandedConfig).some(
      ([name, found]) => isAbbreviation(key, name) && (expression === null ? found === value : expression.test(found)),
    );
}

/** An expression without `^` and `$` is of the whole text; null where the text is none. */
function wholeExpression(text: string): RegExp | null {
  try {
    return new RegExp(/[$^]/.test(text) ? text : `^(?:${text})$`);
  } catch {
    return null;
  }
}

/** `u.blah` for `user.blah`: each part is the beginning of the other's. */
function isAbbreviation(short: string, long: string): boolean {
  const parts = short.split('.');
  const whole = long.split('.');
  return parts.length === whole.length && parts.every((part, index) => whole[index]?.startsWith(part));
}
