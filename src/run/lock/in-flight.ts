import { randomInt } from 'node:crypto';

/** The one name of a restore point in flight. The server admits it once per instance: that makes it the lock. */
export const inFlightName = 'guard-in-flight';

/** Names that guard gives to restore points of its own: a user's `--name` must not be taken for one of them. */
export function isReservedName(name: string): boolean {
  return name === inFlightName || /^guard-\d{8}-\d{6}-/.test(name);
}

/**
 * The lease of a run is the expiry of its restore point in flight: a time so far away that it never comes. Whoever made
 * the snapshot chose it by chance, so it proves whose the snapshot is; the holder changes its last digits again and again,
 * so it shows on every host that the holder lives. It survives a restore, which takes every key of the instance away.
 */
export interface Lease {
  /** Whose it is: the same for as long as one guard holds it. Milliseconds since 1970, a multiple of `renewals`. */
  readonly base: number;
  /** How often it was renewed, modulo `renewals`. */
  readonly renewed: number;
}

/** Renewals until the count begins anew. */
const renewals = 10_000;

const farAway = Date.UTC(2200, 0, 1);

/** Some 40 years, in steps of a base: Incus keeps times up to 2262. */
const bases = (40 * 365 * 24 * 3600 * 1000) / renewals;

/** A lease that nobody else has. */
export function newLease(random: (below: number) => number = randomInt): Lease {
  return {
    base: farAway + random(bases) * renewals,
    renewed: 0,
  };
}

/** The same lease, once more renewed. */
export function renewedLease({ base, renewed }: Lease): Lease {
  return { base, renewed: (renewed + 1) % renewals };
}

/** The lease as the server keeps it. */
export function expiryOfLease({ base, renewed }: Lease): Date {
  return new Date(base + renewed);
}

/** Reads a lease from a snapshot's expiry; null where it is none: the restore point of an older guard. */
export function leaseOf(expiresAt: string | null): Lease | null {
  const at = expiresAt === null ? Number.NaN : Date.parse(expiresAt);
  return at >= farAway ? { base: at - (at % renewals), renewed: at % renewals } : null;
}

/** Whether a snapshot is held under this lease. */
export function belongsToLease(
  { base }: Pick<Lease, 'base'>,
  snapshot: { readonly expiresAt: string | null },
): boolean {
  return leaseOf(snapshot.expiresAt)?.base === base;
}
