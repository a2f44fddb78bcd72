import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startAgent, type AgentUnderTest } from '../e2e/agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from '../e2e/guard.ts';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { waitFor } from '../host/host.ts';
import { waitForBoot } from './base.ts';
import type { PackageManager } from './package-manager.ts';

/** What a package breaks is a file that a check of guard.yaml asks for. */
const configuration = (hook: string): string => `
defaults:
  soak: 0s
  verifyTimeout: 5s
  hook: { settle: 1s, ${hook} }
  checks:
    whole: { exec: [test, -e, /etc/healthy], timeout: 1s, interval: 100ms, retries: 1 }
`;

/** What was typed inside came to. */
interface Typed {
  readonly status: number | undefined;
  readonly told: string;
}

/** What holds for every package manager, shown with the real one in a copy of a prepared container. */
export const describeManager = (manager: PackageManager, base: () => string): void => {
  const instance = `gr-${manager.name}`;
  const install = (...names: string[]): string => [manager.install, ...names].join(' ');
  let guard: GuardUnderTest;
  let agent: AgentUnderTest | null = null;

  const typed = async (script: string): Promise<Typed> => {
    const { exitCode, stdout, stderr } = await execa('incus', ['exec', instance, '--', 'sh', '-c', script], {
      reject: false,
      stdin: 'ignore',
    });
    return { status: exitCode, told: `${stdout}\n${stderr}` };
  };
  const withAgent = async (hook = ''): Promise<AgentUnderTest> => {
    agent = await startAgent(guard, configuration(hook), '--project', process.env['INCUS_PROJECT'] ?? 'default');
    await agent.saw('relay-up', { instance });
    return agent;
  };
  const installed = async (): Promise<string[]> =>
    (await incusCommand('exec', instance, '--', 'sh', '-c', manager.installed))
      .split('\n')
      .filter((name) => name !== '');
  const runs = async (): Promise<{ outcome: string; restorePoint: string | null }[]> =>
    (await guard.run(['runs', '--json'])).stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { outcome: string; restorePoint: string | null });
  const isFree = async (): Promise<void> => {
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    expect(await typed(manager.isFree)).toMatchObject({ status: 0 });
    expect(await fileExists(instance, '/etc/healthy')).toBe(true);
  };

  describe(`${manager.name} with the hook`, () => {
    beforeAll(async () => {
      await remove(instance, process.env['INCUS_PROJECT']);
      await incusCommand('copy', base(), instance);
      await incusCommand('start', instance);
      await incusCommand('exec', instance, '--', 'sh', '-c', manager.alone);
      const first = await guardUnderTest();
      const { stdout, status } = await first.run(['hook', 'install', instance]);
      await first.remove();
      expect({ stdout, status }).toMatchObject({ status: 0 });
      expect(stdout).toMatch(new RegExp(`installed for .*\\b${manager.name}\\b`));
      await incusCommand('snapshot', 'create', instance, 'as-made');
    });

    afterAll(() => remove(instance, process.env['INCUS_PROJECT']));

    beforeEach(async () => {
      await incusCommand('snapshot', 'restore', instance, 'as-made');
      for (const name of await snapshotNames(instance))
        if (name !== 'as-made') await incusCommand('snapshot', 'delete', instance, name);
      await waitForBoot(instance);
      guard = await guardUnderTest();
    });

    afterEach(async () => {
      await agent?.end('SIGKILL');
      agent = null;
      await guard.remove();
    });

    test('three packages in one command are one run, kept, with one restore point', async () => {
      const { saw } = await withAgent();
      const { status, told } = await typed(install('guard-one', 'guard-two', 'guard-three'));
      expect({ status, told }).toMatchObject({ status: 0 });
      expect(told).toMatch(/guard: restore point guard-\S+ taken, \d+ ms/);
      const asked = await saw('transaction-announced');
      expect(asked).toMatchObject({ manager: manager.name, packages: manager.tells ? 3 : null });
      expect(asked['command']).toContain('guard-three');
      await saw('transaction-ended', { outcome: 'kept' });
      expect(await runs()).toHaveLength(1);
      expect((await snapshotNames(instance)).filter((name) => name.startsWith('guard-'))).toHaveLength(1);
      expect(await installed()).toEqual(['guard-one', 'guard-three', 'guard-two']);
      await isFree();
    });

    test.runIf(manager.upgrade !== null)(
      'guard plan tells what an upgrade would change, and changes nothing',
      async () => {
        const { older = '', words = [] } = manager.upgrade ?? {};
        expect(await typed(older)).toMatchObject({ status: 0 });
        const { status, stdout } = await guard.run(['plan', '--json', instance, '--', ...words]);
        expect(status).toBe(0);
        const { packages } = JSON.parse(stdout) as { packages: unknown };
        const changed = { name: 'guard-one', from: expect.stringMatching(/^1\.0/), to: expect.stringMatching(/^2\.0/) };
        expect(packages).toEqual({ known: true, manager: manager.name, packages: [expect.objectContaining(changed)] });
        expect(await incusCommand('exec', instance, '--', 'cat', '/opt/guard-one')).toMatch(/^1\.0/);
      },
    );

    test('one that breaks something is rolled back, and the next one may come', async () => {
      const { saw } = await withAgent();
      await typed(install('guard-breaks'));
      await saw('transaction-ended', { outcome: 'rolled-back' });
      expect(await installed()).toEqual([]);
      await isFree();
      await waitFor(async () => (await guard.run(['hook', 'status', instance])).status === 0);
      expect(await typed(install('guard-two'))).toMatchObject({ status: 0 });
      await saw('transaction-ended', { outcome: 'kept' });
      expect(await installed()).toEqual(['guard-two']);
    });

    test('one that breaks off in the middle is rolled back, and nothing of it stands in the way (F24)', async () => {
      const { saw } = await withAgent();
      await typed(manager.breakOff);
      await saw('transaction-ended', { outcome: 'rolled-back' });
      expect(await installed()).toEqual([]);
      await isFree();
    });

    test('one that is aborted before it changes anything leaves nothing', async () => {
      await typed(manager.abort);
      const { saw } = await withAgent();
      const { status, told } = await typed(install('guard-one'));
      expect(told).toMatch(/guard: restore point guard-\S+ taken/);
      expect(status).not.toBe(0);
      await saw('transaction-ended', { outcome: 'kept' });
      expect(await installed()).toEqual([]);
      expect(await snapshotNames(instance)).toEqual(['as-made']);
      await typed(manager.letBe);
    });

    test('one that is refused changes nothing, and says why', async () => {
      const { saw } = await withAgent('onNoRestorePoint: abort, mostAnHour: 1');
      await typed(install('guard-one'));
      await saw('transaction-ended', { outcome: 'kept' });
      const { status, told } = await typed(install('guard-two'));
      expect(status).not.toBe(0);
      expect(told).toContain('guard: nothing was changed: ');
      expect(await installed()).toEqual(['guard-one']);
      expect(await runs()).toHaveLength(1);
    });

    test('without an agent the policy holds: go on with a warning, or change nothing', async () => {
      const free = await typed(install('guard-one'));
      expect(free).toMatchObject({ status: 0 });
      expect(free.told).toContain('guard: no agent answers on the host: continuing without a restore point.');
      await typed("sed -i 's/^absent=.*/absent=abort/' /etc/guard/hook.conf");
      const strict = await typed(install('guard-two'));
      expect(strict.status).not.toBe(0);
      expect(strict.told).toContain('guard: no agent answers on the host, so there is no restore point');
      expect(await installed()).toEqual(['guard-one']);
      // The command of a run of guard has its restore point already.
      const run = await guard.run(['--soak', '0s', instance, '--', 'sh', '-c', install('guard-two')]);
      expect(run).toMatchObject({ status: 0 });
      expect(await installed()).toEqual(['guard-one', 'guard-two']);
    });
  });
};
