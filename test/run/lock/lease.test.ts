import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Platform } from '../../../src/platform/platform.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { expiryOfLease, inFlightName, newLease } from '../../../src/run/lock/in-flight.ts';
import { keepLease, type HeldLease } from '../../../src/run/lock/lease.ts';
import { value } from '../../platform/conformance.ts';
import { startFakeIncus, type FakeIncus } from '../../platform/incus/fake-server.ts';
import { manualClock, type ManualClock } from '../../platform/incus/manual-clock.ts';

const limit = { limitMs: 5000 };
const ours = newLease(() => 1);
const theirs = newLease(() => 2);
let fake: FakeIncus;
let platform: Platform;
let close: () => void;
let clock: ManualClock;
let lease: HeldLease;
let asked: number;

beforeEach(async () => {
  fake = await startFakeIncus();
  clock = manualClock();
  ({ platform, close } = openIncusPlatform({
    socket: fake.socket,
    project: 'default',
    clock,
    onRequest: () => (asked += 1),
  }));
  value(await platform.createSnapshot('c1', { name: inFlightName, expiresAt: expiryOfLease(ours) }, limit));
  lease = keepLease({ platform, clock }, 'c1', ours);
  asked = 0;
});

afterEach(async () => {
  await lease.stop();
  close();
  await fake.close();
});

test('what was proven just now is not asked again', async () => {
  clock.advance(249);
  expect(await lease.isLost()).toBe(false);
  expect(asked).toBe(0);
  clock.advance(1);
  expect(await lease.isLost()).toBe(false);
  expect(asked).toBe(1);
  expect(await lease.isLost()).toBe(false);
  expect(asked).toBe(1);
});

test('another guard’s lease on it is a loss, and stays one', async () => {
  value(await platform.setSnapshotExpiry('c1', inFlightName, expiryOfLease(theirs)));
  clock.advance(250);
  expect(await lease.isLost()).toBe(true);
  expect(await lease.isLost()).toBe(true);
});

test('a restore point that is gone proves nothing, and is asked for each time', async () => {
  value(await platform.deleteSnapshot('c1', inFlightName, limit));
  clock.advance(250);
  expect(await lease.isLost()).toBe(false);
  asked = 0;
  expect(await lease.isLost()).toBe(false);
  expect(asked).toBe(1);
  // Without the mark of this run another guard has finished it.
  expect(await lease.isLost('20260101-000000-aaaa')).toBe(true);
});
