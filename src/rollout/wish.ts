// Apart from the selection: the matching of globs is a library that most runs do without.

/** What the words of a command line ask for, on one server. */
export interface Wish {
  /** As it was written: `local` is written as nothing. */
  readonly remote: string | null;
  readonly pattern: string;
}

/** `remote:name` or `name`, both as they may be written for guard; a `*` alone after the colon is all of a remote. */
export function parseWish(text: string): Wish {
  const colon = text.indexOf(':');
  return colon < 0
    ? { remote: null, pattern: text }
    : { remote: text.slice(0, colon) || null, pattern: text.slice(colon + 1) };
}

/** Whether it can mean several instances: the name of an instance has none of these. */
export function isPattern(text: string): boolean {
  return /[*?[\]{}]/.test(text);
}
