import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
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
let release: Release;

beforeAll(async () => {
  guard = await guardUnderTest();
  release = await releaseOf(root);
  await launch(instance);
  await waitFor(async () => (await guard.run(['check', instance])).status === 0);
});
afterAll(async () => {
  await remove(instance);
  await guard.remove();
  await rm(release.folder, { recursive: true });
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

const read = async <T>(name: string): Promise<T> =>
  parse(await readFile(join(name.endsWith('action.yml') ? release.clone : root, name), 'utf8')) as T;

/** A release, made in a copy of the repository. */
interface Release {
  readonly folder: string;
  /** Where it was made. */
  readonly repository: string;
  /** What a runner fetches: the tag, in which nothing is built or installed. */
  readonly clone: string;
}

const releaseOf = async (project: string): Promise<Release> => {
  const parent = await mkdtemp(join(tmpdir(), 'guard-release-'));
  const [repository, clone] = [join(parent, 'repository'), join(parent, 'clone')];
  await execa('git', ['clone', '--quiet', `file://${project}`, repository]);
  await symlink(join(project, 'node_modules'), join(repository, 'node_modules'));
  await execa('node', ['build.mjs'], { cwd: repository });
  await execa('node', ['packaging/tag.mjs', 'v0.0.0-test'], { cwd: repository });
  await execa('git', ['clone', '--quiet', '--depth=1', '--branch=v0.0.0-test', `file://${repository}`, clone]);
  return { folder: parent, repository, clone };
};

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
  execa(process.execPath, [join(release.clone, action.runs[part])], {
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

/** `NAME=VALUE` lines; none of them twice. */
const values = async (name: string): Promise<Record<string, string>> => {
  const text = await readFile(join(folder, name), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line !== '');
  const names = lines.map((line) => line.slice(0, line.indexOf('=')));
  expect(names).toEqual([...new Set(names)]);
  return Object.fromEntries(lines.map((line, at) => [names[at], line.slice(line.indexOf('=') + 1)])) as Record<
    string,
    string
  >;
};

const savedState = async (): Promise<Record<string, string>> =>
  Object.fromEntries(Object.entries(await values('state')).map(([name, value]) => [`STATE_${name}`, value]));

const committer = {
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@test.invalid',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@test.invalid',
};

const options = '--soak\n0s\n--retry';

describe('the action', () => {
  test('a release has what it needs, as its sources build it; a checkout of anything else says so', async () => {
    expect(await readdir(release.clone)).not.toEqual(expect.arrayContaining(['dist']));
    expect((await readdir(release.clone)).includes('node_modules')).toBe(false);
    const check = await execa('node', ['packaging/tag.mjs', '--check', 'v0.0.0-test'], { cwd: release.repository });
    expect(check.stdout).toBe('The program of v0.0.0-test is what its sources build.');
    await appendFile(join(release.repository, 'src/version.ts'), 'export const other = 1;\nconsole.log(other);\n');
    await execa('git', ['commit', '--quiet', '--all', '--message=other'], { cwd: release.repository, env: committer });
    await execa('node', ['packaging/tag.mjs', 'v0.0.1-test'], { cwd: release.repository });
    const stale = await execa('node', ['packaging/tag.mjs', '--check', 'v0.0.1-test'], {
      cwd: release.repository,
      reject: false,
    });
    expect(stale).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is not what its sources build') });
    await execa('git', ['clone', '--quiet', `file://${release.repository}`, join(folder, 'main')]);
    const main = await execa('node', [join(folder, 'main/action/main.mjs')], {
      env: await stepEnvironment({ instance, run: 'true' }),
      reject: false,
    });
    expect(main).toMatchObject({ exitCode: 70, stderr: expect.stringContaining('use a release') });
  });

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
    expect(outputs).toMatchObject({
      outcome: 'kept',
      cause: '',
      status: '0',
      instance,
      report: 'guard.xml',
      page: 'guard.html',
    });
    expect(outputs['run']).toMatch(/^\d{8}-\d{6}-/);
    expect(outputs['evidence']).toBe('');
    expect(await snapshotNames(instance)).toContain(outputs['restore-point']);
    expect(Object.keys(outputs).toSorted()).toEqual(Object.keys((await read<Action>('action.yml')).outputs).toSorted());
    expect(await readFile(join(folder, 'guard.xml'), 'utf8')).toContain('<testsuites');
    expect(await readFile(join(folder, 'guard.html'), 'utf8')).toContain('Does the service work?');
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
    const written = await values('output');
    expect(written).toMatchObject(outputs);
    // What was saved before a rollback can be uploaded.
    const saved = outputs.outcome === 'rolled-back' ? await readdir(written['evidence'] ?? '') : ['nothing'];
    expect(saved.length).toBeGreaterThan(0);
    expect(stderr).toMatch(/^::error title=guard/m);
    expect(await readFile(join(folder, 'guard.xml'), 'utf8')).toMatch(/<(error|failure)/);
    expect(await readFile(join(folder, 'guard.html'), 'utf8')).toContain('What now?');
  });

  test('several instances: one outcome, and each output once', async () => {
    const second = `${instance}-2`;
    await launch(second);
    await waitFor(async () => (await guard.run(['check', second])).status === 0);
    const inputs = { instance: `${instance}\n${second}`, options };
    expect((await step('main', { ...inputs, run: 'true' })).exitCode).toBe(0);
    expect(await values('output')).toMatchObject({ outcome: 'kept', status: '0' });
    await rm(join(folder, 'output'));
    const { exitCode } = await step('main', { ...inputs, run: 'exit 3' });
    await remove(second);
    expect(await values('output')).toMatchObject({
      outcome: 'rolled-back',
      cause: 'command',
      status: String(exitCode),
    });
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
    deploy: {
      script: string[];
      after_script: string[];
      artifacts: { paths: string[]; reports: { junit: string } };
    };
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
  // One file alone is what GitLab links to; of several it opens a list.
  expect(deploy.artifacts.paths).toHaveLength(1);
  expect(await readFile(join(folder, deploy.artifacts.paths[0] ?? ''), 'utf8')).toContain('<!doctype html>');
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
