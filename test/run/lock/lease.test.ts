import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Platform } from '../../../src/platform/platform.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { err, ok } from '../../../src/result.ts';
import { expiryOfLease, inFlightName, leaseOf, newLease } from '../../../src/run/lock/in-flight.ts';
import { keepLease, lossBehind, underLease, type LeaseHandle } from '../../../src/run/lock/lease.ts';
import { markerKey } from '../../../src/run/lock/marker.ts';
import { value } from '../../platform/conformance.ts';
import { startFakeIncus, type FakeIncus } from '../../platform/incus/fake-server.ts';
import { manualClock, type ManualClock } from '../../platform/incus/manual-clock.ts';

const limit = { limitMs: 5000 };
const run = '20260101-000000-aaaa';
const leaseMs = 120_000;
const ours = newLease(() => 1);
const theirs = newLease(() => 2);
let fake: FakeIncus;
let platform: Platform;
let close: () => void;
let clock: ManualClock;
let lease: LeaseHandle;
let asked: number;
let said: string[];

beforeEach(async () => {
  fake = await startFakeIncus();
  clock = manualClock();
  ({ platform, close } = openIncusPlatform({
    socket: fake.socket,
    project: 'default',
    clock,
    onRequest: () => (asked += 1),
  }));
  const wanted = { name: inFlightName, expiresAt: expiryOfLease(ours) };
  const { createdAt } = value(await platform.createSnapshot('c1', wanted, limit));
  said = [];
  const report = (text: string): number => said.push(text);
  lease = keepLease({ platform, clock }, { instance: 'c1', run, lease: ours, createdAt, leaseMs, report });
  asked = 0;
});

afterEach(async () => {
  await lease.stop();
  close();
  await fake.close();
});

const marked = (of: string) =>
  platform.patchInstance('c1', {
    metadata: {
      [markerKey]: JSON.stringify({
        v: 1,
        run: of,
        holder: { host: 'h', pid: 1, bootId: 'b', network: 'n', id: 'i' },
        wasRunning: true,
        restorePointName: `guard-${of}`,
        leaseMs,
        at: 0,
      }),
    },
  });

/** The server says that there is no such instance, until it is brought back. */
function hideInstance(): () => void {
  let isThere = false;
  fake.fault(({ pathname }, response) => {
    if (isThere || !pathname.startsWith('/1.0/instances/c1')) return false;
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ type: 'error', error: 'Instance not found', error_code: 404 }));
    return true;
  });
  return () => void (isThere = true);
}

describe('the proof of a lease', () => {
  test('of just now is not asked for again', async () => {
    clock.advance(249);
    expect(await lease.prove()).toEqual(ok(undefined));
    expect(asked).toBe(0);
    clock.advance(1);
    expect(await lease.prove()).toEqual(ok(undefined));
    expect(asked).toBe(1);
  });

  test('fails for good where another guard has it', async () => {
    value(await platform.setSnapshotExpiry('c1', inFlightName, expiryOfLease(theirs)));
    clock.advance(250);
    expect(await lease.prove()).toEqual(err('taken-over'));
    expect(lease.signal.aborted).toBe(true);
    // Even where the server says the contrary later.
    value(await platform.setSnapshotExpiry('c1', inFlightName, expiryOfLease(ours)));
    expect(await lease.prove()).toEqual(err('taken-over'));
  });

  test('fails for good after a silence, however the server answers after it (F13)', async () => {
    clock.advance(leaseMs);
    expect(await lease.prove()).toEqual(err('silent'));
    expect(lease.signal.aborted).toBe(true);
    expect(asked).toBe(0);
  });

  test('is never taken for given where the server does not answer', async () => {
    let answers = false;
    fake.fault((_request, response) => {
      if (answers) return false;
      response.destroy();
      return true;
    });
    clock.advance(250);
    let proven = false;
    const proof = lease.prove().then((result) => {
      proven = true;
      return result;
    });
    for (let turn = 0; turn < 20; turn += 1) {
      await clock.sleeping(250);
      expect(proven).toBe(false);
      clock.advance(250);
    }
    // A person sees why nothing happens, once.
    expect(said).toEqual([expect.stringMatching(/^The server does not answer.* keeps trying for 1 min \d+ s/)]);
    answers = true;
    clock.advance(250);
    expect(await proof).toEqual(ok(undefined));
  });

  test('another restore point of the same name is none', async () => {
    value(await platform.deleteSnapshot('c1', inFlightName, limit));
    await new Promise((resolve) => setTimeout(resolve, 5));
    value(await platform.createSnapshot('c1', { name: inFlightName, expiresAt: expiryOfLease(ours) }, limit));
    clock.advance(250);
    expect(await lease.prove()).toEqual(err('taken-over'));
  });

  test('one that somebody removed is gone, and the run is still its own; without its marker another guard has finished it', async () => {
    value(await marked(run));
    value(await platform.deleteSnapshot('c1', inFlightName, limit));
    clock.advance(250);
    expect(await lease.prove()).toEqual(err('gone'));
    expect(lease.signal.aborted).toBe(false);
    value(await marked('20260101-000000-bbbb'));
    expect(await lease.prove()).toEqual(err('taken-over'));
  });

  test('fails for good where the server says for a second that there is no such instance', async () => {
    const bringBack = hideInstance();
    async function proofAfter(ms: number) {
      clock.advance(250);
      const proof = lease.prove();
      for (let waited = 0; waited < ms; waited += 250) {
        await clock.sleeping(250);
        clock.advance(250);
      }
      return proof;
    }
    expect(await proofAfter(1000)).toEqual(err('absent'));
    expect(lease.signal.aborted).toBe(true);
    bringBack();
    expect(await lease.prove()).toEqual(err('absent'));
  });

  test('does not fail where the server says so only once', async () => {
    const bringBack = hideInstance();
    clock.advance(250);
    const proof = lease.prove();
    await clock.sleeping(250);
    bringBack();
    clock.advance(250);
    expect(await proof).toEqual(ok(undefined));
  });

  test('one that somebody renamed gets its name back', async () => {
    value(await marked(run));
    value(await platform.renameSnapshot('c1', inFlightName, 'mine', limit));
    clock.advance(250);
    const proof = lease.prove();
    await clock.sleeping(250);
    clock.advance(250);
    expect(await proof).toEqual(ok(undefined));
  });
});

test('a lease is renewed, and what hangs when it is lost is not waited for', async () => {
  await clock.sleeping(15_000);
  clock.advance(15_000);
  await expect
    .poll(async () => leaseOf(value(await platform.getSnapshot('c1', inFlightName)).expiresAt)?.renewed)
    .toBe(1);
  const hanging = underLease(
    { clock },
    lease,
    1000,
    () => new Promise<never>(() => {}),
    () => true,
  );
  value(await platform.setSnapshotExpiry('c1', inFlightName, expiryOfLease(theirs)));
  clock.advance(250);
  await lease.prove();
  const ended = await hanging;
  expect(ended.ok ? null : lossBehind(ended.error)).toBe('taken-over');
});

test('each attempt of a request has a proof of its own', async () => {
  let sent = 0;
  const busy = { kind: 'busy', purpose: '', detail: '', code: null, advice: '', operation: null, repair: [] } as const;
  const ended = underLease(
    { clock },
    lease,
    60_000,
    async () => {
      sent += 1;
      value(await platform.setSnapshotExpiry('c1', inFlightName, expiryOfLease(theirs)));
      clock.advance(300);
      return err(busy);
    },
    () => true,
  );
  await clock.sleeping(100);
  clock.advance(100);
  const end = await ended;
  expect(end.ok ? null : lossBehind(end.error)).toBe('taken-over');
  expect(sent).toBe(1);
});
