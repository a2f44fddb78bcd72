import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { listRunIds, readRun } from '../../src/journal/runs.ts';
import { waitFor } from '../host/host.ts';
import { guardUnderTest, statusOf, type Ended, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-untrusted';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
});
beforeEach(async () => {
  await launch(instance);
  await waitFor(async () => /running|degraded/.test(await inside('systemctl is-system-running || :').catch(() => '')));
});
afterEach(() => remove(instance));
afterAll(() => guard.remove());

const inside = (script: string) => incusCommand('exec', instance, '--', 'sh', '-c', script);
const run = (script: string, ...options: readonly string[]): Promise<Ended> =>
  guard.run(['--soak', '0s', '--verify-timeout', '3s', '--retry', ...options, instance, '--', 'sh', '-c', script]);

/** Nothing that a terminal would obey: guard's own words are all that is on stderr of a quiet command. */
const isTame = ({ stderr }: Ended): void => {
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
};

/** Replaces a program inside by one that does something else. */
const replace = (program: string, script: string): Promise<string> =>
  inside(
    `printf '%s\\n' '#!/bin/sh' '${script}' >/root/new && chmod 755 /root/new && mv /root/new "$(command -v ${program})"`,
  );

const evidenceOfLastRun = async () => {
  const [id = ''] = await listRunIds(guard.stateDirectory);
  const record = await readRun(guard.stateDirectory, id);
  const folder = join(record?.directory ?? '', 'evidence');
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return { names, size: sizes.reduce((sum, size) => sum + size, 0), missing: record?.evidence?.missing ?? [] };
};

test('a listener whose name is a control sequence is told with its name made visible', async () => {
  const listener = `$0 = "\\e]0;owned\\a\\e[2J"; $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 1) or die; sleep`;
  // From a file: systemd would read the dollars of a command line.
  await inside(`printf '%s' '${listener}' >/root/listener`);
  const unit =
    '[Service]\\nExecStart=/usr/bin/perl -MIO::Socket::INET /root/listener\\n[Install]\\nWantedBy=multi-user.target';
  await inside(`printf '${unit}\\n' >/etc/systemd/system/listener.service; systemctl enable --quiet --now listener`);
  await inside('timeout 30 sh -c "until ss -Hltn | grep -q :8080; do sleep 0.1; done"');
  const ended = await run('systemctl stop listener');
  expect(ended.status).toBe(11);
  expect(ended.stderr).toContain('8080');
  isTame(ended);
  const [id = ''] = await listRunIds(guard.stateDirectory);
  isTame({ ...ended, stderr: (await guard.run(['show', id])).stdout });
});

test('a unit whose description and result are hostile is told with both made visible', async () => {
  const unit = `[Unit]\\nDescription=\\x1b[2J\\x1b]0;owned\\x07 $(touch /tmp/x)\\n[Service]\\nExecStart=/bin/sleep infinity`;
  await inside(`printf '${unit}\\n' >/etc/systemd/system/odd.service; systemctl daemon-reload; systemctl start odd`);
  const ended = await run('systemctl stop odd');
  expect(ended.status).toBe(11);
  expect(ended.stderr).toContain('odd.service');
  isTame(ended);
});

test('tools that write for ever, and control sequences, cost time and no more', async () => {
  for (const tool of ['systemctl', 'ss', 'dpkg-query', 'ip'])
    await replace(tool, `exec yes "$(printf "\\033[2J\\033]0;owned\\007 x.service loaded active")"`);
  const settings = join(guard.stateDirectory, 'guard.yaml');
  await writeFile(settings, 'defaults:\n  startTimeout: 5s\n');
  const ended = await run('true', '--allow-unhealthy', '--config', settings);
  isTame(ended);
  // Nobody can tell how it is; that it was asked in vain is what must be said.
  expect(ended.status).toBeGreaterThan(9);
  expect(ended.stderr).toContain('no answer within');
  expect(await statusOf(instance)).toBe('Running');
});

test('evidence has names of guard’s own and a bounded size, whatever the instance has in their place', async () => {
  const script = `
    for log in dpkg.log apt/history.log apt/term.log; do rm -f /var/log/$log; done
    ln -s /dev/zero /var/log/dpkg.log
    ln -s /etc/shadow /var/log/apt/history.log
    mkdir /var/log/apt/term.log
    printf '#!/bin/sh\\nexec yes ../../../../etc/passwd\\n' >/usr/bin/journalctl.new
    chmod 755 /usr/bin/journalctl.new && mv /usr/bin/journalctl.new /usr/bin/journalctl
    exit 7`;
  const ended = await run(script);
  expect(ended.status).toBe(10);
  isTame(ended);
  const { names, size, missing } = await evidenceOfLastRun();
  expect(names.filter((name) => !/^[a-z-]+\.(txt|json)$/.test(name))).toEqual([]);
  expect(size).toBeLessThan(8 * 1024 * 1024);
  expect(missing).toEqual([expect.stringContaining('system-log.txt')]);
});
