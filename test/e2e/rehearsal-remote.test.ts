import { execa } from 'execa';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { incus, waitFor, type Host } from '../host/host.ts';
import { type RemoteHost } from '../host/remote.ts';
import { withFarInstance } from './far-instance.ts';
import { type GuardUnderTest } from './guard.ts';

// Rehearsals where guard is not on the server itself, and in projects that are restricted.

const instance = 'e2e-far-rehearsal';
let host: Host;
let remote: RemoteHost;
let guard: GuardUnderTest;
withFarInstance(instance, (far) => {
  ({ host, remote, guard } = far);
});

const run = (...words: string[]) => guard.run(words, { env: remote.env });
/** A service that reads its configuration only when it starts. */
const installService = `echo good >/etc/work.conf; printf '[Service]\\nExecStartPre=/bin/grep -q good /etc/work.conf\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/work.service
systemctl enable --quiet --now work.service`;
const bridgeOf = async (): Promise<string> => {
  const profile = JSON.parse(await incus(host, 'query', '/1.0/profiles/default')) as {
    devices: { eth0?: { network?: string; parent?: string } };
  };
  return profile.devices.eth0?.network ?? profile.devices.eth0?.parent ?? '';
};
const quickly = ['--soak', '0s', '--verify-timeout', '20s'];
const copies = (): Promise<string> =>
  incus(host, 'list', '--project', 'guard-rehearsal', '--columns', 'n', '--format', 'csv');

describe('on a remote server', () => {
  test('a change passes without network, and the report says what was not rehearsed', async () => {
    const file = join(guard.stateDirectory, 'checks.yaml');
    await writeFile(
      file,
      JSON.stringify({ defaults: { checks: { port: { tcp: '{address}:22' }, inside: { exec: ['true'] } } } }),
    );
    const ended = await run('rehearse', '--config', file, ...quickly, `far:${instance}`, '--', 'touch', '/root/x');
    expect(ended).toMatchObject({ status: 0 });
    expect(ended.stderr).toContain('a copy on another machine than guard cannot reach package sources');
    expect(ended.stderr).toMatch(/check "port" is not rehearsed: .*another machine/);
    expect(ended.stderr).not.toContain('check "inside" is not rehearsed');
    expect(await copies()).toBe('');
    expect(await incus(host, 'exec', instance, '--', 'ls', '/root')).toBe('');
  });

  test('a command that needs packages ends with 34, not with 33, and says why', async () => {
    const ended = await run('rehearse', ...quickly, `far:${instance}`, '--', 'apt-get', 'update', '--error-on=any');
    expect(ended).toMatchObject({ status: 34 });
    expect(ended.stderr).toContain('The command failed on the copy, which has no network.');
    expect(await copies()).toBe('');
  });

  test('what breaks the service at the next boot ends with 33, and --rehearse leaves the instance alone', async () => {
    await incus(host, 'exec', instance, '--', 'sh', '-c', installService);
    const change = ['sh', '-c', 'echo bad >/etc/work.conf'];
    const ended = await run('--rehearse', ...quickly, `far:${instance}`, '--', ...change);
    expect(ended).toMatchObject({ status: 33 });
    expect(ended.stderr).toContain('was healthy after the change, and not after a restart');
    expect(await incus(host, 'exec', instance, '--', 'cat', '/etc/work.conf')).toBe('good');
    expect(await copies()).toBe('');
  });

  test('guard recover removes the copy of a guard that was killed', async () => {
    const started = guard.start(['rehearse', ...quickly, `far:${instance}`, '--', 'sleep', '60'], { env: remote.env });
    await waitFor(async () => (await copies().catch(() => '')) === instance);
    started.kill('SIGKILL');
    await started;
    expect((await run('recover')).status).toBe(0);
    expect(await copies()).toBe('');
  });
});

describe('in a restricted project', () => {
  const project = 'far-restricted';
  const inner = 'e2e-restricted';

  beforeAll(async () => {
    const config = ['features.images=false', 'restricted=true', 'restricted.devices.nic=allow'];
    await incus(host, 'project', 'create', project, ...config.flatMap((key) => ['-c', key]));
    for (const device of ['root disk path=/ pool=default', 'eth0 nic nictype=bridged parent=BRIDGE'])
      await incus(
        host,
        'profile',
        'device',
        'add',
        'default',
        ...device.replace('BRIDGE', await bridgeOf()).split(' '),
        '--project',
        project,
      );
    await incus(host, 'launch', 'guard-debian', inner, '--project', project);
    await waitFor(async () => (await run('check', '--project', project, `far:${inner}`)).status === 0);
  });

  afterAll(async () => {
    await execa('incus', ['delete', '--force', inner, '--project', project], { env: host.env, stdin: 'ignore' });
  });

  test('an instance is rehearsed by whoever may use guard’s own project', async () => {
    const ended = await run('rehearse', ...quickly, '--project', project, `far:${inner}`, '--', 'true');
    expect(ended).toMatchObject({ status: 0 });
    expect(await copies()).toBe('');
  });

  test('a client that may use one project alone is told so (34), and nothing is made', async () => {
    const words = ['config', 'trust', 'add', 'narrow', '--restricted', '--projects', project, '--quiet'];
    const token = (await incus(host, ...words)).trim().split('\n').at(-1) ?? '';
    const address = (await incus(host, 'config', 'get', 'core.https_address')).trim();
    const env = {
      INCUS_CONF: join(guard.stateDirectory, 'narrow'),
      INCUS_DIR: join(guard.stateDirectory, 'no-daemon'),
    };
    const add = ['remote', 'add', 'narrow', `https://${address}`, '--token', token, '--accept-certificate'];
    await execa('incus', [...add, '--project', project], { env, stdin: 'ignore' });
    const target = ['--project', project, `narrow:${inner}`];
    const ended = await guard.run(['rehearse', ...quickly, ...target, '--', 'true'], { env });
    expect(ended).toMatchObject({ status: 34 });
    expect(ended.stderr).toMatch(/guard-rehearsal/);
    // What the user sees is one sentence and the next step.
    expect(ended.stderr).toMatch(/administrator/);
    expect(await incus(host, 'list', '--project', project, '--columns', 'n', '--format', 'csv')).toBe(inner);
  });
});
