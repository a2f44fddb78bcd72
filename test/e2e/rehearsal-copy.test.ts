import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { client } from './guard.ts';
import { incusCommand, remove } from './incus-subject.ts';
import { isolationTests } from './rehearsal-isolation.suite.ts';
import { removalTests } from './rehearsal-removal.suite.ts';
import { addressOf, copies, inside, launchApp, write } from './rehearsal-subject.ts';
import { rehearsedApp } from './rehearsed-app.ts';

const instance = 'gr-rehearsal-copy';
const subject = rehearsedApp(instance);
const { quickly, sh, leavesNothing } = subject;

test('the copy has the name, the host name and the machine id of the instance', async () => {
  const ask = 'hostname; cat /etc/machine-id; cat /sys/class/net/eth0/address';
  const ended = await subject.guard.run(['rehearse', ...quickly, ...sh(ask)]);
  expect(ended.stdout.trim()).toBe((await inside(instance, ask)).trim());
});

describe('checks', () => {
  test('ask the copy where they name {address}, and are not passed where they ask somebody else', async () => {
    const file = join(subject.guard.stateDirectory, 'checks.yaml');
    const checks = { copy: { http: 'http://{address}:8080/' }, original: { tcp: `${subject.address}:8080` } };
    await writeFile(file, JSON.stringify({ defaults: { checks } }));
    const ended = await subject.guard.run([
      'rehearse',
      '--config',
      file,
      ...quickly,
      ...sh('systemctl stop app.service'),
    ]);
    expect(ended).toMatchObject({ status: 33 });
    expect(ended.stderr).toContain('check "copy" passed before and now fails');
    expect(ended.stderr).toContain('check "original" is not rehearsed');
  });
});

test('what runs and would not survive a reboot is told, change or no change', async () => {
  await write(instance, '/etc/systemd/system/byhand.service', '[Service]\nExecStart=/bin/sleep infinity\n');
  await inside(instance, 'systemctl daemon-reload; systemctl start byhand.service');
  const ended = await subject.guard.run(['rehearse', ...quickly, instance, '--', 'true']);
  await inside(instance, 'systemctl stop byhand.service');
  expect(ended).toMatchObject({ status: 0 });
  expect(ended.stderr).toMatch(/would not survive a reboot today[^]*byhand\.service/);
});

describe('volumes and devices', () => {
  test('an own volume is copied, and a folder of the host is left out and told', async () => {
    await incusCommand('storage', 'volume', 'create', 'default', 'gr-data');
    await incusCommand(
      'config',
      'device',
      'add',
      instance,
      'data',
      'disk',
      'pool=default',
      'source=gr-data',
      'path=/data',
    );
    await incusCommand('config', 'device', 'add', instance, 'host', 'disk', 'source=/usr/share/misc', 'path=/host');
    try {
      await inside(instance, 'echo original >/data/file');
      const ended = await subject.guard.run([
        'rehearse',
        ...quickly,
        ...sh('cat /data/file; echo changed >/data/file; ls -A /host'),
      ]);
      expect(ended).toMatchObject({ status: 0, stdout: 'original\n' });
      expect(ended.stderr).toContain('the copy lacks the device "host": a folder or disk of the host');
      expect(await inside(instance, 'cat /data/file')).toBe('original');
      const left = await incusCommand(
        'storage',
        'volume',
        'list',
        'default',
        '--project',
        'guard-rehearsal',
        '--format',
        'csv',
      );
      expect(left).not.toContain('custom');
    } finally {
      await incusCommand('config', 'device', 'remove', instance, 'host');
      await incusCommand('config', 'device', 'remove', instance, 'data');
      await incusCommand('storage', 'volume', 'delete', 'default', 'gr-data');
    }
  });
});

describe('packages', () => {
  test('come from the copy’s own sources', async () => {
    const ended = await subject.guard.run([
      'rehearse',
      ...quickly,
      ...sh('apt-get -q update && apt-get -q -y install hello'),
    ]);
    expect(ended).toMatchObject({ status: 0 });
    expect(ended.stderr).toMatch(/packages that had changed: .*hello/);
  });

  test('a command that needs another host ends with 34, and the host is told', async () => {
    const ask = `exec 3<>/dev/tcp/127.0.0.1/31428; printf 'GET http://hooks.example/x HTTP/1.1\\r\\nHost: hooks.example\\r\\n\\r\\n' >&3; read -r _ status _ <&3; test "$status" = 200`;
    const ended = await subject.guard.run(['rehearse', ...quickly, instance, '--', 'bash', '-c', ask]);
    expect(ended).toMatchObject({ status: 34 });
    expect(ended.stderr).toContain('which cannot reach hooks.example');
    await leavesNothing();
  });
});

describe('a guard that is killed', () => {
  test.each([700, 1500, 2500, 4000])('%i ms after its start leaves nothing after guard recover', async (ms) => {
    const run = subject.guard.start(['rehearse', ...quickly, ...sh('sleep 1')]);
    await new Promise((resolve) => setTimeout(resolve, ms));
    run.kill('SIGKILL');
    await run;
    expect((await subject.guard.run(['recover'])).status).toBe(0);
    await leavesNothing();
    expect(await addressOf(instance)).toBe(subject.address);
  });

  test('--keep-rehearsal keeps the copy, and the next rehearsal says so', async () => {
    const kept = await subject.guard.run(['rehearse', '--keep-rehearsal', ...quickly, ...sh('true')]);
    expect(kept).toMatchObject({ status: 0 });
    expect(kept.stderr).toContain(`${client} delete --force ${instance} --project guard-rehearsal`);
    expect(await copies()).toEqual([instance]);
    const next = await subject.guard.run(['rehearse', ...quickly, ...sh('true')]);
    expect(next).toMatchObject({ status: 31 });
    expect(next.stderr).toContain('There is already a copy');
    await remove(instance, 'guard-rehearsal');
  });
});

// In one file, because they share the one project of all copies, and some change it.
describe('isolation (promise 6)', () => {
  isolationTests();
});
describe('removal (promise 1)', () => {
  removalTests();
});

describe('guard forecast', () => {
  test('rehearses what is pending on all that are named, and says what would break', async () => {
    const broken = 'gr-forecast';
    await launchApp(broken);
    // A source that is not there: `apt-get update` fails.
    await inside(broken, 'echo "deb [trusted=yes] file:/nowhere x main" >/etc/apt/sources.list.d/broken.list');
    try {
      const file = join(subject.guard.stateDirectory, 'forecast.json');
      const ended = await subject.guard.run(['forecast', '--report', `json=${file}`, instance, broken]);
      expect(ended).toMatchObject({ status: 33 });
      expect(ended.stdout).toMatch(
        new RegExp(`${broken} +rehearsal failed +33 +the upgrade ended with exit status 100`),
      );
      expect(ended.stdout).toMatch(new RegExp(`${instance} +rehearsal passed +0 +(nothing pending|\\d+ packages)`));
      const { runs } = JSON.parse(await readFile(file, 'utf8')) as { runs: { instance: string; exitStatus: number }[] };
      expect(runs.map(({ instance: name, exitStatus }) => [name, exitStatus])).toEqual([
        [instance, 0],
        [broken, 33],
      ]);
      expect(await copies()).toEqual([]);
    } finally {
      await remove(broken);
    }
  });

  test('an instance that is not there is told, and does not stop the others', async () => {
    const ended = await subject.guard.run(['forecast', '--json', 'gr-none']);
    expect(ended).toMatchObject({ status: 34 });
    expect(JSON.parse(ended.stdout)).toMatchObject({ instance: 'gr-none', outcome: 'refused' });
  });
});

// apt inside waits with the packages until it is told to go on, in the instance as well as in its copy.
const goOn = '/root/go-on';
const holdPackages = `echo 'DPkg::Pre-Invoke {"until [ -e ${goOn} ]; do sleep 0.1; done";};' >/etc/apt/apt.conf.d/hold`;

test.each([
  ['is refused with 34', [], 34],
  ['is done with --allow-drift', ['--allow-drift'], 0],
] as const)('a change that is not the rehearsed one any more %s', async (_is, flags, status) => {
  await inside(instance, `touch ${goOn}; apt-get -q -y purge hello >/dev/null 2>&1; apt-get -q update >/dev/null`);
  await inside(instance, `rm ${goOn}; ${holdPackages}`);
  const run = subject.guard.start([
    '--rehearse',
    ...flags,
    ...quickly,
    instance,
    '--',
    'apt-get',
    '-y',
    'install',
    'hello',
  ]);
  // The rehearsed change has begun, so what it would be is known. Meanwhile the instance gets the package by other means.
  await once(run.stdout, 'data');
  await inside(instance, `touch ${goOn}; apt-get -q -y install hello >/dev/null 2>&1; rm /etc/apt/apt.conf.d/hold`);
  await incusCommand('exec', '--project', 'guard-rehearsal', instance, '--', 'touch', goOn);
  const ended = await run;
  expect(ended.exitCode).toBe(status);
  expect(ended.stderr).toMatch(/differs from the rehearsed one: hello becomes \S+ in the rehearsal, but not now/);
  expect(await inside(instance, 'dpkg-query -W hello')).toContain('hello');
});
