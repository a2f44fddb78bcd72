import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { incusCommand, launch, remove } from '../e2e/incus-subject.ts';

// Packages in containers that have nothing but Debian. Inside, the Incus of the tests is reached by its socket, which a proxy
// device hands in: a container that manages its siblings.

const folder = process.env['GUARD_TEST_PACKAGES'] ?? '';
const target = 'pk-target';
const socket = '/opt/incus.sock';

/** A container of a Debian release with the socket of the tests' Incus and all packages in /root. */
const subject = (name: string, image: string) => {
  const run = async (command: string) => {
    const { exitCode, stdout, stderr } = await execa(
      'incus',
      ['exec', name, '--env', `INCUS_SOCKET=${socket}`, '--env', 'LANG=C.UTF-8', '--', 'sh', '-c', command],
      { reject: false, stdin: 'ignore' },
    );
    return { status: exitCode, stdout, stderr };
  };
  return {
    run,
    /** Rejects where the command fails, with what it said. */
    must: async (command: string): Promise<string> => {
      const { status, stdout, stderr } = await run(command);
      if (status !== 0) throw new Error(`${command}: ${status}\n${stdout}\n${stderr}`);
      return stdout;
    },
    begin: async () => {
      await launch(name, '--config=security.nesting=true');
      if (image !== 'guard-debian') {
        await remove(name);
        await incusCommand('launch', image, name);
      }
      const connect = `connect=unix:${process.env['INCUS_DIR'] ?? '/var/lib/incus'}/unix.socket`;
      await incusCommand(
        'config',
        'device',
        'add',
        name,
        'incus',
        'proxy',
        `listen=unix:${socket}`,
        connect,
        'bind=container',
        'mode=0600',
      );
      await waitFor(async () => /running|degraded/.test((await run('systemctl is-system-running')).stdout));
      for (const [from, to] of [
        ['.', '/root/'],
        ['old', '/root/old/'],
      ] as const)
        for (const file of await readdir(join(folder, from)))
          if (file.endsWith('.deb'))
            await incusCommand('file', 'push', '--create-dirs', join(folder, from, file), `${name}${to}`);
    },
  };
};

const install = 'DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends';

beforeAll(() => launch(target));
afterAll(() => remove(target));

test.each(['guard', 'guard-static'])('lintian has nothing against %s', async (name) => {
  const file = (await readdir(folder)).find((entry) => entry.startsWith(`${name}_`)) ?? '';
  const { stdout, exitCode } = await execa(
    'lintian',
    ['--fail-on', 'error,warning', '--tag-display-limit', '0', join(folder, file)],
    { reject: false },
  );
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
});

describe('guard-static on bookworm, without Node', () => {
  const { run, must, begin } = subject('pk-bookworm', 'guard-debian');
  beforeAll(begin);
  afterAll(() => remove('pk-bookworm'));

  test('one command installs it, and one is a guarded run', async () => {
    expect((await run('command -v node nodejs')).status).not.toBe(0);
    const said = await must(`${install} /root/old/guard-static_*.deb`);
    expect(said).toContain('systemctl enable guard-recover.service');
    expect(await must('guard doctor || true')).toMatch(/^ok {7}server: Incus \d/m);
    const { status, stderr } = await run(`guard --soak 0s ${target} -- true`);
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('guard: kept') });
    const bad = await run(`guard --soak 0s ${target} -- false`);
    expect({ status: bad.status, stderr: bad.stderr }).toMatchObject({
      status: 10,
      stderr: expect.stringContaining('is back and healthy'),
    });
  });

  test('what is installed is where Debian wants it, and nothing is enabled', async () => {
    expect(await must('stat --format=%a:%U /var/lib/guard')).toBe('700:root');
    expect(await must("dpkg-query --show --showformat='${Conffiles}' guard-static")).toContain('/etc/guard/guard.yaml');
    expect(
      (await run('systemctl is-enabled guard-agent.service guard-recover.service guard-forecast.timer')).stdout,
    ).toBe('disabled\ndisabled\ndisabled');
    expect(
      await must('systemd-analyze verify --man=no guard-agent.service guard-recover.service 2>&1 || true'),
    ).not.toMatch(/guard-.*(error|failed|Unknown)/i);
    expect(await must('bash -c ". /usr/share/bash-completion/completions/guard" && dpkg --verify guard-static')).toBe(
      '',
    );
    // Nothing is written outside of the documented folders.
    expect(
      await must(
        'find / -xdev -newer /var/lib/dpkg/info/guard-static.list -type f -path "*guard*" -not -path "/var/lib/guard/*" -not -path "/proc/*"',
      ),
    ).toBe('');
  });

  test('an upgrade with a run in flight and with an agent at work', async () => {
    await must('systemctl start guard-agent.service');
    const agent = await must('systemctl show --property=MainPID --value guard-agent.service');
    const running = run(
      `guard --soak 0s ${target} -- sh -c 'touch /root/begun; while ! test -e /root/end; do sleep 0.2; done'`,
    );
    await waitFor(
      async () =>
        (await execa('incus', ['exec', target, '--', 'test', '-e', '/root/begun'], { reject: false })).exitCode === 0,
    );
    await must(`${install} /root/guard-static_*.deb`);
    expect(await must('guard --version')).not.toContain('0.0.9');
    await waitFor(async () => {
      const now = await run('systemctl show --property=MainPID,ActiveState --value guard-agent.service');
      return (
        now.stdout.includes('active') && !now.stdout.split('\n').includes(agent) && !now.stdout.includes('deactivating')
      );
    });
    await incusCommand('exec', target, '--', 'touch', '/root/end');
    const { status, stderr } = await running;
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('guard: kept') });
    expect(await must('guard runs')).toContain(target);
  });

  test('removed, it leaves records and configuration; purged, nothing', async () => {
    await must('systemctl enable guard-agent.service guard-recover.service guard-forecast.timer');
    await must('echo "# mine" >>/etc/guard/guard.yaml; apt-get remove --yes guard-static');
    expect((await run('systemctl is-active guard-agent.service')).stdout).toBe('inactive');
    expect(await must('tail -n 1 /etc/guard/guard.yaml; ls /var/lib/guard')).toContain('# mine\n');
    await must('apt-get purge --yes guard-static');
    const left = await must('find / -xdev -path /proc -prune -o -path /root -prune -o -iname "*guard*" -print');
    expect(left).toBe('');
  });
});

describe('guard on trixie, with its Node', () => {
  const { run, must, begin } = subject('pk-trixie', 'guard-debian-trixie');
  beforeAll(begin);
  afterAll(() => remove('pk-trixie'));

  test('apt installs it with Node, and it guards a run', async () => {
    await must(`apt-get update --quiet && ${install} /root/guard_*.deb`);
    expect(await must('guard version')).toMatch(/^Node 20\.19/m);
    const { status, stderr } = await run(`guard --soak 0s ${target} -- true`);
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('guard: kept') });
    expect((await run('man --version')).status === 0 ? await must('man -w 5 guard.yaml') : 'guard.yaml').toContain(
      'guard.yaml',
    );
  });

  test('guard-static takes its place with the same configuration and records, and back', async () => {
    await must('echo "# mine" >>/etc/guard/guard.yaml');
    for (const [next, before] of [
      ['guard-static', 'guard'],
      ['guard', 'guard-static'],
    ]) {
      await must(`${install} /root/${next}_*.deb`);
      await must(`dpkg --purge ${before}`);
      expect(await must('tail -n 1 /etc/guard/guard.yaml')).toBe('# mine');
      expect(await must('guard runs')).toContain(target);
    }
  });
});

test('on the Node of bookworm it says one sentence', async () => {
  const { run, must, begin } = subject('pk-node18', 'guard-debian');
  await begin();
  await must(`${install} nodejs`);
  const refused = await run(`${install} /root/guard_*.deb`);
  expect(refused.status).not.toBe(0);
  await must('dpkg --unpack --force-depends /root/guard_*.deb');
  const { status, stderr } = await run(`guard ${target} -- true`);
  await remove('pk-node18');
  expect(status).toBe(70);
  expect(stderr).toMatch(/^guard: guard needs Node 20\.19 or later .* this is Node 18\.[\d.]+: install .*\.$/);
});
