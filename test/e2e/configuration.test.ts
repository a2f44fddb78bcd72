import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execa } from 'execa';
import { parse } from 'yaml';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-configured';
let guard: GuardUnderTest;
let file: string;

const write = async (text: string): Promise<string[]> => {
  await writeFile(file, text);
  return ['--config', file];
};

beforeAll(async () => {
  guard = await guardUnderTest();
  file = join(guard.stateDirectory, 'check.yaml');
  await launch(instance);
  // A web server of perl alone, which every Debian image has.
  const server = [
    'use IO::Socket::INET;',
    'my $l = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die;',
    'while (my $c = $l->accept) { while (my $x = <$c>) { last if $x =~ /^\\r?\\n$/ }',
    'print $c "HTTP/1.0 200 OK\\r\\nX-Guard: yes\\r\\n\\r\\nall is well\\n"; close $c }',
  ].join(' ');
  const setUp = `cat >/usr/local/bin/web.pl
    printf '[Service]\\nExecStart=/usr/bin/perl /usr/local/bin/web.pl\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/web.service
    for try in $(seq 100); do systemctl enable --now web 2>/dev/null && break; sleep 0.1; done
    mkdir -p /etc/guard/required.d /etc/guard/wanted.d
    printf '#!/bin/sh\\nexit 0\\n' >/etc/guard/required.d/good.sh
    printf '#!/bin/sh\\necho not so good; exit 1\\n' >/etc/guard/wanted.d/bad.sh
    chmod +x /etc/guard/*/*.sh`;
  await execa('incus', ['exec', instance, '--', 'sh', '-c', setUp], { input: server });
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

interface VerdictJson {
  readonly verdict: string;
  readonly checks: readonly { readonly name: string; readonly status: string }[];
}

const check = async (text: string): Promise<{ status: number | undefined; answers: Record<string, string> }> => {
  const ended = await guard.run(['check', '--json', ...(await write(text)), instance]);
  const verdict = JSON.parse(ended.stdout) as VerdictJson;
  return {
    status: ended.status,
    answers: Object.fromEntries(verdict.checks.map(({ name, status }) => [name, status])),
  };
};

describe('guard check', () => {
  test('asks every kind of check that guard.yaml names', async () => {
    const asked = await check(`
defaults:
  checks:
    inside: { exec: [test, -e, /etc/hostname] }
    shell: { exec: "test -e /etc/hostname && true" }
    outside: { host: [test, -n, "{address}"] }
    web: { http: "http://{address}:8080/", expectBody: all is well, expectHeaders: { x-guard: "yes" } }
    port: { tcp: 8080 }
    unit: { systemd: web.service }
    plugin: { plugin: [sh, -c, "echo WARNING; exit 1"] }
    scripts: { directory: /etc/guard }
`);
    expect(asked.status).toBe(0);
    expect(asked.answers).toMatchObject({
      inside: 'passed',
      shell: 'passed',
      outside: 'passed',
      web: 'passed',
      port: 'passed',
      unit: 'passed',
      plugin: 'passed',
    });
    const scripts = Object.entries(asked.answers).filter(([name]) => name.startsWith('scripts'));
    expect(scripts.map(([, answer]) => answer).toSorted()).toEqual(['failed', 'passed']);
  });

  test('exits with 1 where a required check fails', async () => {
    const asked = await check('defaults: { checks: { closed: { tcp: 9, retries: 1 } } }');
    expect(asked).toEqual({ status: 1, answers: { closed: 'failed' } });
  });

  test('exits with 3 where a required check could not be asked', async () => {
    const asked = await check('defaults: { checks: { unknown: { plugin: [sh, -c, "exit 3"], retries: 1 } } }');
    expect(asked).toEqual({ status: 3, answers: { unknown: 'unknown' } });
  });
});

describe('a run with a guard.yaml', () => {
  test('is rolled back when a configured check fails, and kept by the policy of the more exact block', async () => {
    const breaking = [instance, '--', 'sh', '-c', 'systemctl disable --now web'];
    const settings = `
defaults:
  soak: 0s
  verifyTimeout: 4s
  automatic: false
  checks:
    web: { http: "http://{address}:8080/", interval: 100ms, retries: 2 }
`;
    const rolledBack = await guard.run([...(await write(settings)), ...breaking]);
    expect(rolledBack.status).toBe(11);
    expect(rolledBack.stderr).toContain('web');

    const kept = `${settings}instances:\n  "gr-conf*": { onFailure: rollback }\n  ${instance}: { onFailure: keep }\n`;
    const ended = await guard.run([...(await write(kept)), '--retry', '--name', 'before-keep', ...breaking]);
    expect(ended.status).toBe(13);
    await incusCommand('snapshot', 'restore', instance, 'before-keep');
  });

  test('obeys a flag over the file', async () => {
    const settings = `defaults: { timeout: 1s, soak: 0s }\n`;
    const ended = await guard.run([...(await write(settings)), '--timeout', '20s', instance, '--', 'sleep', '2']);
    expect(ended.status).toBe(0);
  });

  test('finds guard.yaml in the working directory', async () => {
    const folder = join(guard.stateDirectory, 'project');
    await mkdir(folder);
    await writeFile(join(folder, 'guard.yaml'), 'defaults: { sook: 1s }\n');
    const ended = await guard.run([instance, '--', 'true'], { cwd: folder });
    expect(ended.status).toBe(78);
    expect(ended.stderr).toContain('"soak"');
  });
});

test('guard init writes a guard.yaml that guard obeys', async () => {
  const written = join(guard.stateDirectory, 'init.yaml');
  expect((await guard.run(['init', '--output', written, instance])).status).toBe(0);
  expect((await guard.run(['init', '--output', written, instance])).status).toBe(64);
  const { stdout } = await guard.run(['init', instance]);
  expect(parse(stdout)).toHaveProperty('instances');
  expect(stdout).toContain('8080');
  expect((await guard.run(['--config', written, '--soak', '0s', instance, '--', 'true'])).status).toBe(0);
});

test('guard plan says what would happen, and changes nothing', async () => {
  const before = await incusCommand('query', `/1.0/instances/${instance}/snapshots`);
  const ended = await guard.run(['plan', instance, '--', 'apt', 'upgrade']);
  expect(ended.status).toBe(0);
  expect(ended.stdout).toContain('guard would run: apt upgrade');
  expect(await incusCommand('query', `/1.0/instances/${instance}/snapshots`)).toBe(before);
});
