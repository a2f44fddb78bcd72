import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { systemClock } from '../../src/clock.ts';
import { guardUnderTest, type GuardUnderTest } from '../e2e/guard.ts';
import { incus, launchContainer, readInside, removeContainer, server } from './container.ts';

describe(`guard on ${server}`, () => {
  let guard: GuardUnderTest;
  let name: string;
  beforeAll(async () => {
    guard = await guardUnderTest();
    name = await launchContainer();
  });
  afterAll(async () => {
    await removeContainer(name);
    await guard.remove();
  });

  test('rolls back a change that fails, and keeps a copy of the failed state', async () => {
    const command = ['sh', '-c', 'echo v2 >/srv/app; exit 7'];
    const { status, stderr } = await guard.run(['run', name, '--keep-failed', '--', ...command]);
    expect({ status, stderr }).toMatchObject({ status: 10 });
    expect(await readInside(name, '/srv/app')).toBe('v1');
    const copy = new RegExp(`^${name}-failed-.*`, 'm').exec(await incus('list', '--format', 'csv', '-c', 'n'))?.[0];
    expect(copy).toBeDefined();
    await removeContainer(copy ?? '');
  });

  test('finishes a run whose guard was killed', async () => {
    const running = guard.start(['run', name, '--', 'sh', '-c', 'echo v2 >/srv/app; sync; exec sleep 600']);
    const end = systemClock.monotonic() + 60_000;
    while ((await readInside(name, '/srv/app')) !== 'v2' && systemClock.monotonic() < end) await systemClock.sleep(200);
    running.kill('SIGKILL');
    await running;
    const { status, stderr } = await guard.run(['recover', name]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(await readInside(name, '/srv/app')).toBe('v1');
    expect(await incus('query', `/1.0/instances/${name}/snapshots`)).not.toContain('guard');
  });

  test('keeps a change that leaves the instance healthy', async () => {
    const { status, stderr } = await guard.run(['run', name, '--', 'sh', '-c', 'echo v3 >/srv/app']);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(await readInside(name, '/srv/app')).toBe('v3');
    expect(await incus('query', `/1.0/instances/${name}/snapshots`)).toContain('guard-');
  });
});
