import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-retention';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const own = async (): Promise<string[]> => (await snapshotNames(instance)).filter((name) => /^guard-\d{8}-/.test(name));

describe('guard prune', () => {
  test('removes the older ones of guard’s own, and nothing else (F17)', async () => {
    await incusCommand('snapshot', 'create', instance, 'guard-20200101-000000-aaaa');
    expect((await guard.run(['--soak', '0s', '--name', 'mine', instance, '--', 'true'])).status).toBe(0);
    for (let run = 0; run < 3; run += 1)
      expect((await guard.run(['--soak', '0s', instance, '--', 'true'])).status).toBe(0);
    expect(await own()).toHaveLength(4);

    const pruned = await guard.run(['prune', '--keep', '1', instance]);
    expect(pruned.status).toBe(0);
    expect(pruned.stdout).toContain(`${instance}: 2 removed`);
    const left = await snapshotNames(instance);
    // The user's own snapshot has a name like guard's, and no record.
    expect(left).toContain('guard-20200101-000000-aaaa');
    expect(left).toContain('mine');
    expect(await own()).toHaveLength(2);
  });

  test('never removes the last good one, and may be repeated (F47)', async () => {
    const before = await own();
    const pruned = await guard.run(['prune', '--keep', '0']);
    expect(pruned.status).toBe(0);
    expect(pruned.stdout).toContain('0 removed');
    expect(await own()).toEqual(before);
  });
});

test('a restore point expires when it was said to', async () => {
  await guard.run(['--soak', '0s', '--name', 'expiring', '--expires', '7d', instance, '--', 'true']);
  const snapshot = JSON.parse(await incusCommand('query', `/1.0/instances/${instance}/snapshots/expiring`)) as {
    created_at: string;
    expires_at: string;
  };
  const days = (Date.parse(snapshot.expires_at) - Date.parse(snapshot.created_at)) / 86_400_000;
  expect(Math.round(days)).toBe(7);
});
