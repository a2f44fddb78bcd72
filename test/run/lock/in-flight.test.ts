import { describe, expect, test } from 'vitest';
import { expiryOfLease, belongsToLease, leaseOf, newLease, renewedLease } from '../../../src/run/lock/in-flight.ts';

/** As the server gives it back. */
const onServer = (lease: Parameters<typeof expiryOfLease>[0]): string => expiryOfLease(lease).toISOString();

describe('a lease', () => {
  test('is read back as it was written, whatever its number', () => {
    for (const number of [0, 1, 126_143_999]) {
      const lease = newLease(() => number);
      expect(leaseOf(onServer(lease))).toEqual(lease);
      expect(Date.parse(onServer(lease))).toBeLessThan(Date.parse('2262-01-01'));
    }
  });

  test('is two for two guards', () => {
    expect(newLease().base).not.toBe(newLease().base);
  });

  test('shows each renewal, and stays the same lease for as long as it is renewed', () => {
    const lease = newLease();
    let now = lease;
    for (let count = 0; count < 10_001; count += 1) {
      const next = renewedLease(now);
      expect(onServer(next)).not.toBe(onServer(now));
      now = next;
    }
    expect(belongsToLease(lease, { expiresAt: onServer(now) })).toBe(true);
    expect(belongsToLease(newLease(), { expiresAt: onServer(now) })).toBe(false);
  });

  test('is not an expiry that a person or a run has set', () => {
    expect(leaseOf(null)).toBeNull();
    expect(leaseOf('2036-01-01T00:00:00Z')).toBeNull();
    expect(leaseOf('nonsense')).toBeNull();
    expect(belongsToLease(newLease(), { expiresAt: null })).toBe(false);
  });
});
