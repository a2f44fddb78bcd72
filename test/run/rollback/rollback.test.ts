import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Platform } from '../../../src/platform/platform.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { createRecorder } from '../../../src/run/recorder.ts';
import { newLease } from '../../../src/run/lock/in-flight.ts';
import type { LeaseHandle } from '../../../src/run/lock/lease.ts';
import { rollBack, survey, type RollbackPlan } from '../../../src/run/rollback/rollback.ts';
import { err, ok } from '../../../src/result.ts';
import { failure, value } from '../../platform/conformance.ts';
import { startFakeIncus, type FakeIncus } from '../../platform/incus/fake-server.ts';
import { manualClock, type ManualClock } from '../../platform/incus/manual-clock.ts';

const second = 1000;
const limit = { limitMs: 5 * second };
const limits = {
  commandMs: second,
  idleMs: null,
  leaseMs: 120_000,
  lockMs: 0,
  readyMs: second,
  restoreMs: second,
  snapshotMs: second,
  soakMs: 0,
  stopMs: second,
  verifyMs: second,
};
let fake: FakeIncus;
let platform: Platform;
let close: () => void;
let clock: ManualClock;

beforeEach(async () => {
  fake = await startFakeIncus();
  clock = manualClock();
  ({ platform, close } = openIncusPlatform({ socket: fake.socket, project: 'default', clock }));
});

afterEach(async () => {
  close();
  await fake.close();
});

const held: LeaseHandle = {
  lease: newLease(() => 1),
  signal: new AbortController().signal,
  prove: async () => ok(undefined),
  stop: async () => {},
};

const scene = async () => {
  const { createdAt } = value(await platform.createSnapshot('c1', { name: 'way-back', expiresAt: null }, limit));
  const plan: RollbackPlan = {
    instance: 'c1',
    project: 'default',
    remote: null,
    restorePoint: { name: 'way-back', createdAt, volumes: [] },
    start: false,
    baseline: null,
    stopGracefully: false,
    lease: held,
    hooks: {},
    clearLocks: false,
    limits,
  };
  const recorder = createRecorder({
    run: '20260101-000000-aaaa',
    clock,
    listener: () => {},
    openStore: async () => err('no record is kept here'),
  });
  return { plan, tools: { platform, clock, recorder } };
};

const changes = (): string[] => fake.requests.filter(({ method }) => method === 'PUT').map(({ pathname }) => pathname);

test('a way back that was seen just now is taken', async () => {
  const { plan, tools } = await scene();
  const surveyed = await survey(plan, tools);
  clock.advance(249);
  expect(await rollBack(plan, tools, surveyed)).toEqual({ end: 'well' });
  expect(changes()).toEqual(['/1.0/instances/c1/state', '/1.0/instances/c1']);
});

test('nothing is stopped for a way back that is gone since it was seen (F2)', async () => {
  const { plan, tools } = await scene();
  const surveyed = await survey(plan, tools);
  value(await platform.deleteSnapshot('c1', 'way-back', limit));
  clock.advance(250);
  expect(await rollBack(plan, tools, surveyed)).toMatchObject({ end: 'failed' });
  expect(changes()).toEqual([]);
});

test('the description comes back although nobody could read it before the stop', async () => {
  const { plan, tools } = await scene();
  fake.instance('c1').description = 'of the user';
  let away = true;
  fake.fault(({ method, pathname }, response) => {
    if (!away || method !== 'GET' || pathname !== '/1.0/instances/c1') return false;
    response
      .writeHead(500)
      .end(JSON.stringify({ type: 'error', error_code: 500, error: 'just starting', metadata: null }));
    return true;
  });
  const surveyed = await survey(plan, tools);
  expect(failure(surveyed.now).detail).toContain('just starting');
  away = false;
  expect(await rollBack(plan, tools, surveyed)).toEqual({ end: 'well' });
  // Incus before 6.0.5 leaves none after a restore, which the fake does not show.
  const written = fake.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ body }) => JSON.parse(body.toString()));
  expect(written).toEqual([{ description: 'of the user' }]);
});
