/**
 * An expected end of an operation: a value, or a failure as a record. Exceptions are left for bugs.
 * Conclude from `ok: false` only what `error` says, and nothing about what did not happen.
 */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** The good end. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** The expected bad end. */
export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}
