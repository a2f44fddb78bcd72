import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-hook';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const inside = async (...command: string[]): Promise<string> => incusCommand('exec', instance, '--', ...command);

/** Every file and folder that an installation could leave, with owner and mode. */
const traces = (): Promise<string> => inside('find', '/etc', '/usr', '/opt', '-xdev', '-printf', '%p %u %g %m %y\n');

const key = (): Promise<string> => incusCommand('config', 'get', instance, 'user.guard.hook');

describe('guard hook', () => {
  test('installs what the package managers need, and removes it without a trace', async () => {
    const before = await traces();
    const installed = await guard.run(['hook', 'install', instance]);
    expect(installed).toMatchObject({ status: 0, stderr: '' });
    expect(installed.stdout).toContain('the hook is installed for apt, dpkg');
    expect(await key()).toBe('1 apt,dpkg');
    expect(await inside('stat', '-c', '%U %a', '/usr/local/lib/guard/guard-hook')).toBe('root 755');
    expect(await inside('apt-config', 'dump', 'DPkg::Pre-Install-Pkgs')).toContain('guard-hook pre apt');

    const removed = await guard.run(['hook', 'remove', instance]);
    expect(removed.status).toBe(0);
    expect(await traces()).toBe(before);
    expect(await key()).toBe('');
    // Nothing to do is well done.
    expect((await guard.run(['hook', 'remove', instance])).status).toBe(0);
    expect((await guard.run(['hook', 'status', instance])).stdout).toContain('not installed');
  });

  test('can be repeated; what others changed is told by status, and mended by install', async () => {
    const states = async (command: string): Promise<string[]> => {
      const { stdout } = await guard.run(['hook', command, '--json', instance]);
      return (JSON.parse(stdout) as { parts: { state: string }[] }).parts.map(({ state }) => state);
    };
    expect(new Set(await states('install'))).toEqual(new Set(['written']));
    expect(new Set(await states('install'))).toEqual(new Set(['unchanged']));
    await inside('sh', '-c', 'echo "# mine" >>/etc/apt/apt.conf.d/00guard; rm /etc/dpkg/dpkg.cfg.d/00guard');
    const status = await guard.run(['hook', 'status', instance]);
    expect(status.status).toBe(1);
    expect(status.stdout).toMatch(/apt\.conf\.d\/00guard .*differs from what this version of guard installs/);
    expect(status.stdout).toMatch(/dpkg\.cfg\.d\/00guard .*missing/);
    expect((await states('install')).filter((state) => state === 'written')).toHaveLength(2);
    expect(new Set(await states('status'))).toEqual(new Set(['unchanged']));
    await guard.run(['hook', 'remove', instance]);
  });

  test('without an agent, a transaction goes on with a warning, or not at all, as guard.yaml says', async () => {
    const apt = () => execa('incus', ['exec', instance, '--', 'dpkg', '--configure', '-a'], { reject: false });
    await guard.run(['hook', 'install', instance]);
    const free = await apt();
    expect(free.exitCode).toBe(0);
    expect(free.stderr).toContain('no agent answers on the host: continuing without a restore point.');

    const strict = `${guard.stateDirectory}/guard.yaml`;
    await execa('tee', [strict], { input: 'defaults: { hook: { absent: abort } }\n' });
    expect((await guard.run(['hook', 'install', '--config', strict, instance])).status).toBe(0);
    const refused = await apt();
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('no agent answers on the host, so there is no restore point: nothing was changed');

    // The command of a guard run has its restore point already.
    const run = await guard.run(['--soak', '0s', instance, '--', 'dpkg', '--configure', '-a']);
    expect(run.status).toBe(0);
    expect(run.stderr).not.toContain('no agent answers');
    await guard.run(['hook', 'remove', instance]);
  });

  test('works on a stopped instance', async () => {
    await incusCommand('stop', '--force', instance);
    const installed = await guard.run(['hook', 'install', instance]);
    expect(installed).toMatchObject({ status: 0 });
    expect(installed.stdout).toContain('the instance is stopped');
    expect((await guard.run(['hook', 'status', instance])).status).toBe(3);
    expect(await statusOf(instance)).toBe('Stopped');
    await incusCommand('start', instance);
    expect(await inside('sh', '-c', 'ls /usr/local/lib/guard')).toBe('guard-hook');
    await incusCommand('stop', '--force', instance);
    expect((await guard.run(['hook', 'remove', instance])).status).toBe(0);
    expect(await key()).toBe('');
  });

  test('says what is wrong: no such instance', async () => {
    const ended = await guard.run(['hook', 'install', 'nowhere']);
    expect(ended.status).toBe(30);
    expect(ended.stderr).toContain('nowhere');
  });
});
