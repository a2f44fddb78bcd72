import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { waitFor } from '../host/host.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { launch, remove } from './incus-subject.ts';

// The action and the example of GitLab, run as their servers would run them, without their servers.

const root = resolve(import.meta.dirname, '../..');
const instance = 'e2e-action';
let guard: GuardUnderTest;
let folder = '';

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  await waitFor(async () => (await guard.run(['check', instance])).status === 0);
});
afterAll(async () => {
  await remove(instance);
  await guard.remove();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-action-'));
  return () => rm(folder, { recursive: true });
});

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly runs: { readonly using: string; readonly main: string; readonly post: string };
}

const read = async <T>(name: string): Promise<T> => parse(await readFile(join(root, name), 'utf8')) as T;

/** The environment that the runner gives a step: every input, its default where it is not set. */
const stepEnvironment = async (inputs: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
  const action = await read<Action>('action.yml');
  const unknown = Object.keys(inputs).filter((name) => !(name in action.inputs));
  if (unknown.length > 0) throw new Error(`action.yml has no input ${unknown.join(', ')}`);
  const values = Object.entries(action.inputs).map(([name, { default: fallback = '' }]) => [
    `INPUT_${name.toUpperCase()}`,
    inputs[name] ?? fallback,
  ]);
  return {
    ...(Object.fromEntries(values) as Record<string, string>),
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_STATE: join(folder, 'state'),
    GITHUB_STEP_SUMMARY: join(folder, 'summary'),
    GUARD_STATE_DIR: guard.stateDirectory,
    XDG_CONFIG_HOME: guard.stateDirectory,
  };
};

/** Starts a part of the action. Not awaited: a started process is a promise of its end. */
const start = (part: 'main' | 'post', action: Action, env: Readonly<Record<string, string>>) =>
  execa(process.execPath, [join(root, action.runs[part])], {
    env,
    cwd: folder,
    stdin: 'ignore',
    reject: false,
    forceKillAfterDelay: false,
  });

const step = async (part: 'main' | 'post', inputs: Readonly<Record<string, string>>) => {
  const action = await read<Action>('action.yml');
  const env = { ...(await stepEnvironment(inputs)), ...(part === 'post' ? await savedState() : {}) };
  const { exitCode, stdout, stderr } = await start(part, action, env);
  return { exitCode, stdout, stderr };
};

/** `NAME=VALUE` lines; a later one of the same name counts. */
const values = async (name: string): Promise<Record<string, string>> => {
  const text = await readFile(join(folder, name), 'utf8').catch(() => '');
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  ) as Record<string, string>;
};

const savedState = async (): Promise<Record<string, string>> =>
  Object.fromEntries(Object.entries(await values('state')).map(([name, value]) => [`STATE_${name}`, value]));

const options = '--soak\n0s\n--retry';

describe('the action', () => {
  test('kept: inputs become words, outputs say how it ended', async () => {
    await mkdir(join(folder, 'my dist'));
    await writeFile(join(folder, 'my dist/app'), 'pushed');
    const inputs = {
      instance,
      push: 'my dist:/srv/my app',
      'push-owner': '33:33',
      check: "test -e '/srv/my app/app' || test ! -e /srv/deployed\ntrue",
      run: `cat "/srv/my app/app"\nfalse || echo '$HOME "quoted"'\ntouch /srv/deployed`,
      options,
    };
    const { exitCode, stdout, stderr } = await step('main', inputs);
    expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0, stdout: `pushed$HOME "quoted"` });
    const outputs = await values('output');
    expect(outputs).toMatchObject({ outcome: 'kept', cause: '', status: '0', instance, report: 'guard.xml' });
    expect(outputs['run']).toMatch(/^\d{8}-\d{6}-/);
    expect(await snapshotNames(instance)).toContain(outputs['restore-point']);
    expect(Object.keys(outputs).toSorted()).toEqual(Object.keys((await read<Action>('action.yml')).outputs).toSorted());
    expect(await readFile(join(folder, 'guard.xml'), 'utf8')).toContain('<testsuites');
    expect((await step('post', inputs)).stderr).toBe('');
  });

  test.each([
    ['rolled back, command', { run: 'exit 3' }, 10, { outcome: 'rolled-back', cause: 'command', status: '10' }],
    [
      'rolled back, unhealthy',
      {
        run: 'touch /root/bad',
        check: 'test ! -e /root/bad',
        options: `${options}\n--verify-timeout\n10s\n--check-retries\n1`,
      },
      11,
      { outcome: 'rolled-back', cause: 'unhealthy', status: '11' },
    ],
    [
      'rolled back, timeout',
      { run: 'sleep 60', timeout: '1s' },
      12,
      { outcome: 'rolled-back', cause: 'timeout', status: '12' },
    ],
    ['refused', { run: 'true', push: 'none:/srv/none' }, 30, { outcome: 'refused', status: '30' }],
    ['usage', { run: 'true', timeout: 'soon' }, 64, { outcome: 'usage', status: '64' }],
    ['configuration', { run: 'true', config: 'none.yaml' }, 78, { outcome: 'configuration', status: '78' }],
  ])('%s', async (_name, inputs, status, outputs) => {
    const { exitCode, stderr } = await step('main', { instance, options, ...inputs });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: status });
    expect(await values('output')).toMatchObject(outputs);
    expect(stderr).toMatch(/^::error title=guard/m);
    expect(await readFile(join(folder, 'guard.xml'), 'utf8')).toMatch(/<(error|failure)/);
  });

  test('a cancelled step puts the instance back; one that is killed is finished after the job', async () => {
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGKILL', undefined],
    ] as const) {
      const inputs = { instance, run: 'touch /root/begun; sleep 600', options };
      const running = start('main', await read<Action>('action.yml'), await stepEnvironment(inputs));
      await waitFor(() => fileExists(instance, '/root/begun'));
      if (signal === 'SIGKILL') await killTree(running.pid ?? 0);
      else running.kill(signal);
      expect((await running).exitCode).toBe(status);
      const { exitCode, stderr } = await step('post', inputs);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(await fileExists(instance, '/root/begun')).toBe(false);
      expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
      await rm(join(folder, 'state'), { force: true });
    }
  });
});

/** As a runner does whose patience is over: the step and what it started. */
const killTree = async (pid: number): Promise<void> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const each of [pid, ...children.trim().split(' ').map(Number)]) process.kill(each, 'SIGKILL');
};

test('the example of GitLab: its script, as it stands', async () => {
  const { deploy } = await read<{
    deploy: { script: string[]; after_script: string[]; artifacts: { reports: { junit: string } } };
  }>('examples/gitlab-ci.yml');
  await mkdir(join(folder, 'dist'));
  await writeFile(join(folder, 'dist/deploy'), '#!/bin/sh\necho deployed\n', { mode: 0o755 });
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(
    join(bin, 'guard'),
    `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/guard.cjs')}' "$@"\n`,
    { mode: 0o755 },
  );
  const env = {
    CI: 'true',
    GITLAB_CI: 'true',
    INSTANCE: instance,
    GUARD_STATE_DIR: guard.stateDirectory,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  };
  const lines = async (script: readonly string[]) =>
    execa('bash', ['-e', '-c', script.join('\n')], { env, cwd: folder, stdin: 'ignore', reject: false });
  const job = await lines(deploy.script);
  expect(job).toMatchObject({ exitCode: 0, stdout: 'deployed' });
  expect(job.stderr).toContain('section_start:');
  expect(await readFile(join(folder, deploy.artifacts.reports.junit), 'utf8')).toContain('<testsuites');
  expect((await lines(deploy.after_script)).exitCode).toBe(0);
});

test('the example of GitHub names inputs and outputs that there are', async () => {
  const workflow = await readFile(join(root, 'examples/github-workflow.yml'), 'utf8');
  const { jobs } = parse(workflow) as { jobs: { deploy: { steps: { id?: string; with?: Record<string, string> }[] } } };
  const action = await read<Action>('action.yml');
  const used = jobs.deploy.steps.find(({ id }) => id === 'guard')?.with ?? {};
  expect(Object.keys(used).filter((name) => !(name in action.inputs))).toEqual([]);
  const required = Object.entries(action.inputs).filter(([, input]) => input.required === true);
  expect(required.map(([name]) => name).filter((name) => !(name in used))).toEqual([]);
  const outputs = [...workflow.matchAll(/steps\.guard\.outputs\.([\w-]+)/g)].map(([, name = '']) => name);
  expect(outputs.filter((name) => !(name in action.outputs))).toEqual([]);
});
