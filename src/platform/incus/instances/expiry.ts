import { textOf } from '../http/json.ts';

/** The server's way to write "never", different from leaving it out: then `snapshots.expiry` would apply. */
const never = '0001-01-01T00:00:00Z';

/** An expiry as it is sent. */
export function formatExpiry(at: Date | null): string {
  return at === null ? never : at.toISOString();
}

/** An expiry as it was received: RFC 3339, or null for never. */
export function expiryOf(value: unknown): string | null {
  const text = textOf(value);
  return text === '' || text === never ? null : text;
}
