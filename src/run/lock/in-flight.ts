import { randomInt } from 'node:crypto';

/** The name of a restore point in flight. The server admits it once per instance, which makes it the lock. */
export const inFlightName = 'guard-in-flight';

/** Names that guard gives to its own restore points. A `--name` of the user must not look like one. */
export function isReservedName(name: string): boolean {
  return name === inFlightName || /^guard-\d{8}-\d{6}-/.test(name);
}

/**
 * The lease of a run is the expiry of its restore point in flight: a fixed time far in the future. The guard that created
 * the snapshot chose it at random, so it proves the owner of the snapshot. The holder keeps changing its last digits, which
 * shows every host that the holder is alive. It survives a restore, which resets every key of the instance.
 */
export interface Lease {
  /** Identifies the owner; constant while one guard holds it. Milliseconds since 1970, a multiple of `renewals`. */
  readonly base: number;
  /** How often it was renewed, modulo `renewals`. */
  readonly renewed: number;
}

/** The number of renewals before the counter wraps around. */
const renewals = 10_000;

const farAway = Date.UTC(2200, 0, 1);

/** Some 40 years, in steps of a base: Incus keeps times up to 2262. */
const bases = (40 * 365 * 24 * 3600 * 1000) / renewals;

/** Creates a random lease. */
export function newLease(random: (below: number) => number = randomInt): Lease {
  return {
    base: farAway + random(bases) * renewals,
    renewed: 0,
  };
}

/** The lease after its next renewal. */
export function renewedLease({ base, renewed }: Lease): Lease {
  return { base, renewed: (renewed + 1) % renewals };
}

/** The lease as an expiry. */
export function expiryOfLease({ base, renewed }: Lease): Date {
  return new Date(base + renewed);
}

/** Reads a lease from the expiry of a snapshot; null if it has none, for restore points of an older guard. */
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
