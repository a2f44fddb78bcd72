/**
 * Reading of JSON from elsewhere without trust: each function gives what was expected, or an empty value of that type.
 */

/** An object whose keys and values are not known. */
export type Json = Readonly<Record<string, unknown>>;

/** Parses text; undefined when it is not JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objectOf = (value: unknown): Json => (isObject(value) ? value : {});

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** The entries whose value is a string. */
export const textsOf = (value: unknown): Record<string, string> => {
  const entries = Object.entries(objectOf(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
};

/** A map of maps of strings, as `devices` are. */
export const textMapsOf = (value: unknown): Record<string, Record<string, string>> =>
  Object.fromEntries(Object.entries(objectOf(value)).map(([key, inner]) => [key, textsOf(inner)]));
