import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { fromJSONSchema } from 'zod';
import { waitFor } from '../host/host.ts';
import { withoutRoom } from '../report/exact-schema.ts';
import { guardUnderTest, statusOf, type GuardUnderTest } from './guard.ts';
import { launch, remove } from './incus-subject.ts';

const instance = 'e2e-reports';
let guard: GuardUnderTest;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-reports-'));
  guard = await guardUnderTest();
  await launch(instance);
  await waitFor(async () => (await guard.run(['check', instance])).status === 0);
});
afterAll(async () => {
  await remove(instance);
  await guard.remove();
  await rm(folder, { recursive: true });
});

const file = (name: string): string => join(folder, name);
const reportWords = (name: string): string[] =>
  ['junit=.xml', 'json=.json', 'markdown=.md'].flatMap((form) => {
    const [format = '', end = ''] = form.split('=');
    return ['--report', `${format}=${file(`${name}${end}`)}`];
  });

const published: unknown = JSON.parse(
  await readFile(new URL('../../schema/report.schema.json', import.meta.url), 'utf8'),
);
const schema = fromJSONSchema(withoutRoom(published) as Parameters<typeof fromJSONSchema>[0]);
const xsd = await readFile(new URL('../report/junit.xsd', import.meta.url), 'utf8');

interface Report {
  readonly xml: string;
  readonly markdown: string;
  readonly run: { readonly state: string; readonly exitStatus: number | null; readonly message: string | null };
}

/** All three reports, each held against what describes its format. */
const read = async (name: string): Promise<Report> => {
  const xml = await readFile(file(`${name}.xml`), 'utf8');
  const { errors } = await validateXML({ xml, schema: [xsd] });
  expect(errors).toEqual([]);
  const json = JSON.parse(await readFile(file(`${name}.json`), 'utf8')) as { runs: Report['run'][] };
  expect(schema.safeParse(json).error).toBeUndefined();
  const [run] = json.runs;
  if (run === undefined) throw new Error('the report has no run');
  return { xml, markdown: await readFile(file(`${name}.md`), 'utf8'), run };
};

const isGreen = ({ xml }: Report): boolean => !/<(failure|error)\b/.test(xml);

const quick = ['--soak', '0s', '--retry'];

describe('--report', () => {
  test('kept', async () => {
    const { status } = await guard.run([...quick, ...reportWords('kept'), instance, '--', 'true']);
    const report = await read('kept');
    expect([status, report.run.exitStatus, isGreen(report)]).toEqual([0, 0, true]);
    expect(report.markdown).toContain('## ✅');
  });

  test('rolled back: which check failed, and what it said, although its words are hostile', async () => {
    const check = `test ! -e /root/bad || { printf 'no\\033[31m <b>]]>&\\001\\377 ::error::x'; exit 4; }`;
    const words = ['--check', check, '--check-retries', '1', '--check-interval', '500ms', '--verify-timeout', '20s'];
    const { status } = await guard.run([
      ...quick,
      ...reportWords('back'),
      ...words,
      instance,
      '--',
      'sh',
      '-c',
      `touch /root/bad; printf 'a\\000b\\033c'`,
    ]);
    const report = await read('back');
    expect([status, report.run.exitStatus, isGreen(report)]).toEqual([11, 11, false]);
    const failed = /<testcase [^>]*name="check: [^>]*after the command"[^>]*>\s*<failure message="([^"]*)"/.exec(
      report.xml,
    );
    expect(failed?.[1]).toContain('exit status 4');
    expect(report.xml).toContain('<system-out>a\\x00b\\x1bc</system-out>');
  });

  test('refused, busy and a wrong command line', async () => {
    const refused = await guard.run([...reportWords('refused'), 'e2e-reports-none', '--', 'true']);
    const usage = await guard.run([...reportWords('usage'), '--soak', 'long', instance, '--', 'true']);
    expect([refused.status, usage.status]).toEqual([30, 64]);
    const reports = [await read('refused'), await read('usage')];
    expect(reports.map(({ run }) => run.exitStatus)).toEqual([30, 64]);
    expect(reports.map(isGreen)).toEqual([false, false]);
    expect(reports[0]?.xml).toContain('There is no instance &quot;e2e-reports-none&quot;');

    const holding = guard.start([...quick, '--json', instance, '--', 'sh', '-c', 'echo on; sleep 60']);
    let seen = '';
    holding.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await waitFor(() => seen.includes('"data":"on\\n"'));
    const busy = await guard.run([...reportWords('busy'), instance, '--', 'true']);
    holding.kill('SIGTERM');
    const { exitCode } = await holding;
    expect([busy.status, exitCode]).toEqual([31, 143]);
    const report = await read('busy');
    expect([report.run.exitStatus, isGreen(report)]).toEqual([31, false]);
  });

  test('interrupted, and killed: the report of a guard that is gone is red', async () => {
    const start = (name: string) =>
      guard.start([...quick, '--json', ...reportWords(name), instance, '--', 'sh', '-c', 'echo on; sleep 60']);
    for (const [name, signal, status] of [
      ['interrupted', 'SIGTERM', 143],
      ['killed', 'SIGKILL', null],
    ] as const) {
      const run = start(name);
      let seen = '';
      run.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      await waitFor(() => seen.includes('"data":"on\\n"'));
      run.kill(signal);
      await run;
      const report = await read(name);
      expect([report.run.exitStatus, isGreen(report)]).toEqual([status, false]);
    }
    const recovered = await guard.run(['recover', ...reportWords('recovered'), instance]);
    const report = await read('recovered');
    expect([recovered.status, report.run.state, isGreen(report)]).toEqual([0, 'ended', false]);
    expect(report.xml).toContain(' -- sh -c ');
    expect(await statusOf(instance)).toBe('Running');
  });

  test('a file that cannot be written refuses the run, before anything happens', async () => {
    const { status, stderr } = await guard.run(['--report', `json=${file('no/such.json')}`, instance, '--', 'true']);
    expect(status).toBe(30);
    expect(stderr).toMatch(
      /refused: The report cannot be written: .*it does not exist \(ENOENT\)\. Nothing was changed/,
    );
    const twice = await guard.run([
      '--report',
      `json=${file('x')}`,
      '--report',
      `junit=${file('x')}`,
      instance,
      '--',
      'true',
    ]);
    expect(twice.status).toBe(64);
    expect((await guard.run(['--report', 'pdf=x', instance, '--', 'true'])).stderr).toMatch(/junit, json, markdown/);
  });

  test('several instances: the one whose turn did not come is told', async () => {
    const { status } = await guard.run([...reportWords('two'), 'e2e-reports-none', instance, '--', 'true']);
    expect(status).toBe(30);
    const selected = await read('two');
    expect(selected.xml).toMatch(/classname="guard.e2e-reports" name="outcome"[^>]*>\s*<skipped/);
    expect(selected.xml).toContain('There is no instance &quot;e2e-reports-none&quot;');
    expect(isGreen(selected)).toBe(false);
  });
});

test('in GitHub Actions a step tells of itself, and stdout stays the command’s', async () => {
  const env = {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_STEP_SUMMARY: file('summary'),
    GITHUB_OUTPUT: file('output'),
  };
  const script = 'echo ::set-output name=outcome::kept; exit 3';
  const { status, stdout, stderr } = await guard.run([...quick, instance, '--', 'sh', '-c', script], { env });
  expect([status, stdout]).toEqual([10, '::set-output name=outcome::kept\n']);
  expect(stderr).toMatch(/^::stop-commands::\S+\n/);
  expect(stderr).toMatch(/\n::error title=guard \(rolled back\)::rolled back: the command ended with exit status 3/);
  expect(await readFile(file('output'), 'utf8')).toMatch(/^outcome=rolled-back\ncause=command\nstatus=10\nrun=2/);
  expect(await readFile(file('summary'), 'utf8')).toContain('**rolled back**');
});

test('in GitLab the command’s output folds, and stdout stays the command’s', async () => {
  const { stdout, stderr } = await guard.run([...quick, instance, '--', 'echo', 'on'], {
    env: { CI: 'true', GITLAB_CI: 'true' },
  });
  expect(stdout).toBe('on\n');
  const shown = stderr.replaceAll('\u001b[0K', '^');
  expect(shown).toMatch(/\^section_start:\d+:guard_command_[\w-]+\r\^guard: Command: echo on\n/);
  expect(shown).toMatch(/\^section_end:\d+:guard_command_[\w-]+\r\^\n/);
});
