import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guardUnderTest, type GuardUnderTest } from '../e2e/guard.ts';
import { createFleet, fileIn, snapshotsOf, type TestFleet } from './fleet.ts';

// The collection as a user installs it, with Debian's ansible-core, against the real Incus.

let fleet: TestFleet;
let guard: GuardUnderTest;
let folder: string;

beforeAll(async () => {
  if ((await execa('ansible-playbook', ['--version'], { reject: false })).exitCode !== 0)
    await execa('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'ansible-core'], { stdin: 'ignore' });
  fleet = await createFleet('gr-ansible-module', 4);
  guard = await guardUnderTest();
  folder = await mkdtemp(join(tmpdir(), 'guard-ansible-'));
  await execa('ansible-galaxy', ['collection', 'build', resolve('ansible'), '--output-path', folder]);
  const archive = join(folder, 'incus-guard-0.1.0.tar.gz');
  await execa('ansible-galaxy', ['collection', 'install', archive, '-p', folder], { env: { HOME: folder } });
  await writeFile(join(folder, 'inventory'), `[web]\n${fleet.names.join('\n')}\n`);
});

afterAll(async () => {
  await fleet.remove();
  await guard.remove();
  await rm(folder, { recursive: true, force: true });
});

interface Played {
  readonly status: number | undefined;
  readonly output: string;
}

async function play(
  task: string,
  { head = '', words = [] }: { head?: string; words?: readonly string[] } = {},
): Promise<Played> {
  const book = `
- hosts: web
  gather_facts: false
${head}
  tasks:
    - name: change
      incus.guard.run:
        executable: [${process.execPath}, ${resolve('dist/guard.cjs')}]
        project: ${fleet.project}
        options: [--soak=0s]
${task.replaceAll(/^/gm, '        ')}
      register: changed
      notify: handler
    - name: result
      ansible.builtin.debug: { msg: "RESULT {{ changed.outcome | default('planned') }} {{ changed.run | default('') }}" }
  handlers:
    - name: handler
      ansible.builtin.debug: { msg: "HANDLER {{ inventory_hostname }}" }
`;
  await writeFile(join(folder, 'book.yaml'), book);
  const env = {
    ANSIBLE_COLLECTIONS_PATH: folder,
    ANSIBLE_COLLECTIONS_PATHS: folder,
    ANSIBLE_NOCOLOR: '1',
    HOME: folder,
    GUARD_STATE_DIR: guard.stateDirectory,
    XDG_CONFIG_HOME: guard.stateDirectory,
  };
  const { exitCode, stdout, stderr } = await execa('ansible-playbook', ['-i', 'inventory', 'book.yaml', ...words], {
    cwd: folder,
    env,
    reject: false,
    stdin: 'ignore',
  });
  return { status: exitCode, output: `${stdout}\n${stderr}` };
}

const filesIn = (path: string): Promise<(string | null)[]> =>
  Promise.all(fleet.names.map((name) => fileIn(fleet, name, path)));

test('a kept change is changed, and notifies its handler', async () => {
  const { status, output } = await play(`argv: [sh, -c, 'echo once >>/root/kept']`);
  expect(output).toMatch(/web-04 +: ok=3 +changed=1 .*failed=0/);
  expect(status).toBe(0);
  expect(output).toMatch(/RESULT kept \d{8}-\d{6}-\w{4}/);
  expect(output.match(/HANDLER web-0\d/g)).toHaveLength(4);
  expect(await filesIn('/root/kept')).toEqual(['once', 'once', 'once', 'once']);
});

test('check mode is guard plan: nothing is changed', async () => {
  const before = await snapshotsOf(fleet, 'web-01');
  const { status, output } = await play(`cmd: touch /root/checked`, { words: ['--check'] });
  expect(status).toBe(0);
  expect(output).toMatch(/web-01 +: ok=\d +changed=1/);
  expect(await filesIn('/root/checked')).toEqual([null, null, null, null]);
  expect(await snapshotsOf(fleet, 'web-01')).toEqual(before);
});

test('serial and max_fail_percentage stop the play after a wave with a rolled-back instance', async () => {
  const script = 'touch /root/waves; test $(hostname) != web-02';
  const { status, output } = await play(`argv: [sh, -c, '${script}']`, {
    head: '  serial: 2\n  max_fail_percentage: 0',
  });
  expect(status).not.toBe(0);
  expect(output).toMatch(/web-02.*rolled-back: the command ended with exit status 1/s);
  expect(await filesIn('/root/waves')).toEqual(['', null, null, null]);
});

test('a change that is rolled back because a check failed names the check', async () => {
  const { status, output } = await play(`argv: [rm, /root/kept]\nchecks: ['test -e /root/kept']`);
  expect(status).not.toBe(0);
  expect(output).toMatch(/web-01.*rolled-back: .*test -e \/root\/kept/s);
  expect(await filesIn('/root/kept')).toEqual(['once', 'once', 'once', 'once']);
});

test('a wrong task is one sentence, and nothing is changed', async () => {
  expect((await play(`checks: [true]`)).output).toMatch(/one of the following is required: cmd, argv/);
  expect((await play(`cmd: 'true'\ninstance: nono`)).output).toMatch(/refused: .*nono/);
});
