/**
 * Reading of JSON from elsewhere without trust: each function gives what was expected, or an empty value of that type.
 */

/** An object whose keys and values are not known. */
export type Json = Readonly<Record<string, unknown>>;

/** Parses text; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** The entries whose value is a string. */
export function textsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(objectOf(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}

/** A map of maps of strings, as `devices` are. */
export function textMapsOf(value: unknown): Record<string, Record<string, string>> {
  return Object.fromEntries(Object.entries(objectOf(value)).map(([key, inner]) => [key, textsOf(inner)]));
}
