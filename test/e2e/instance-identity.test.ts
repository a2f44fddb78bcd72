import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const [name, renamed] = ['gr-identity', 'gr-identity-2'];
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(name);
});

afterAll(async () => {
  await remove(name);
  await remove(renamed);
  await guard.remove();
});

const options = ['--soak', '0s', '--verify-timeout', '2s'];
const failing = (instance: string) => guard.run([...options, instance, '--', 'false']);
const pointsOf = async (instance: string): Promise<string[]> => {
  const { stdout } = await guard.run(['points', '--json', instance]);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { run: string }).run]));
};
const rename = async (from: string, to: string): Promise<void> => {
  await incusCommand('stop', '--force', from);
  await incusCommand('rename', from, to);
  await incusCommand('start', to);
};

describe('records belong to an instance and not to its name', () => {
  test('they follow it through a restore and a rename (F37, F17)', async () => {
    expect((await guard.run([...options, name, '--', 'true'])).status).toBe(0);
    const points = await pointsOf(name);
    expect(points).toHaveLength(1);
    // The rollback is a restore.
    expect((await failing(name)).status).toBe(10);
    expect((await failing(name)).status).toBe(32);
    await rename(name, renamed);
    expect((await failing(renamed)).status).toBe(32);
    expect(await pointsOf(renamed)).toEqual(points);
    const rollback = await guard.run(['rollback', '--dry-run', renamed]);
    expect(rollback.stdout).toContain(points[0] ?? '-');
  });

  test('an instance that was deleted and created again has none (F37)', async () => {
    await launch(name);
    expect(await pointsOf(name)).toEqual([]);
    const runs = await guard.run(['runs', name]);
    expect(runs.stderr).toContain('3 runs of an earlier instance');
    expect((await failing(name)).status).toBe(10);
    expect((await failing(name)).status).toBe(32);
    await remove(name);
    await launch(name);
    expect((await failing(name)).status).toBe(10);
  });

  test('a run that was interrupted is finished on the renamed instance, and not on another one of its name (F12)', async () => {
    const killed = guard.start([
      ...options,
      '--retry',
      renamed,
      '--',
      'sh',
      '-c',
      'echo new >/root/state; echo ready; sleep 600',
    ]);
    await once(killed.stdout, 'data');
    killed.kill('SIGKILL');
    await killed;
    await rename(renamed, 'gr-identity-3');
    await rename(name, renamed);
    await incusCommand('exec', renamed, '--', 'sh', '-c', 'echo other >/root/state');
    const recovered = await guard.run(['recover']);
    expect(recovered.status).toBe(0);
    expect(recovered.stderr).toContain(`"${renamed}" is now "gr-identity-3"`);
    expect(await incusCommand('exec', renamed, '--', 'cat', '/root/state')).toBe('other');
    await incusCommand('exec', 'gr-identity-3', '--', 'test', '!', '-e', '/root/state');
    await remove('gr-identity-3');
  });
});
