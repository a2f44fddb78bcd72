import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { claim, claimForQuiesce } from '../../../src/run/lock/claim.ts';
import { readMarker } from '../../../src/run/lock/marker.ts';
import { readQuiesceMarker } from '../../../src/run/lock/quiesce-marker.ts';
import { value } from '../../platform/conformance.ts';
import { startFakeIncus, type FakeIncus } from '../../platform/incus/fake-server.ts';

let fake: FakeIncus;
let platform: Platform;
let close: () => void;

beforeEach(async () => {
  fake = await startFakeIncus();
  ({ platform, close } = openIncusPlatform({ socket: fake.socket, project: 'default', clock: systemClock }));
});

afterEach(async () => {
  close();
  await fake.close();
});

const holder = { host: 'h', bootId: 'b', pid: 1, network: 'net:[1]', id: 'i' };
const markOfRun = (run: string) => ({
  v: 1 as const,
  run,
  holder,
  restorePointName: 'guard-1',
  leaseMs: 120_000,
  at: 3,
});
const quietOfRun = (run: string) => ({ v: 1 as const, run, holder, limitMs: 1, resume: [], alsoOnHost: false });
const ours = '20260101-000000-aaaa';
const theirs = '20260101-000000-bbbb';

/** Configuration is refused so often, as Incus does it while somebody else's snapshot is taken. */
const refuse = (times: number): void => {
  fake.fault((request, response) => {
    if (request.method !== 'PATCH' || times === 0) return false;
    times -= 1;
    const error =
      "Failed to write backup file: Instance snapshot record count doesn't match instance snapshot volume record count";
    response.writeHead(500).end(JSON.stringify({ type: 'error', error_code: 500, error, metadata: null }));
    return true;
  });
};

const instanceNow = async () => value(await platform.getInstance('c1'));

describe('an instance is claimed', () => {
  test('while snapshots of others are taken and removed (F13)', async () => {
    refuse(2);
    expect(value(await claim(platform, 'c1', markOfRun(ours), []))).toMatchObject({ claimed: true });
    expect(readMarker(await instanceNow())?.run).toBe(ours);
  });

  test('by the mark or by the key, whichever is there first (F13)', async () => {
    expect(value(await claimForQuiesce(platform, 'c1', quietOfRun(ours), []))).toMatchObject({ claimed: true });
    expect(value(await claim(platform, 'c1', markOfRun(theirs), []))).toMatchObject({
      claimed: false,
      holder: { run: ours },
    });
    expect(readMarker(await instanceNow())).toBeNull();
    // Its own key gives way to its mark in one step.
    expect(value(await claim(platform, 'c1', markOfRun(ours), []))).toMatchObject({ claimed: true });
    expect(readQuiesceMarker(await instanceNow())).toBeNull();
    expect(value(await claimForQuiesce(platform, 'c1', quietOfRun(theirs), []))).toMatchObject({
      holder: { run: ours },
    });
  });

  test('over the mark of a run that is known to mean nothing', async () => {
    value(await claim(platform, 'c1', markOfRun(theirs), []));
    expect(value(await claim(platform, 'c1', markOfRun(ours), [theirs]))).toMatchObject({ claimed: true });
    expect(readMarker(await instanceNow())?.run).toBe(ours);
  });
});
