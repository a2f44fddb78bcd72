import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ReportFile } from '../../src/report/report-file.ts';
import { membersOf, oneByOne, recordOf } from '../rollout/record-samples.ts';
import { openReports } from '../../src/report/report-files.ts';
import type { JsonReport } from '../../src/report/json-report.ts';
import { recorded } from './example-events.ts';
import { eventsOfOutcomes, target } from './example-reports.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-reports-'));
});
afterEach(() => rm(folder, { recursive: true }));

const complaints: string[] = [];
const open = (files: readonly ReportFile[], targets = [target, { instance: 'db', command: ['true'] }]) =>
  openReports({
    files,
    targets,
    version: '0.1.0',
    workingDirectory: folder,
    complain: (message) => complaints.push(message),
  });

const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
const readStates = async (): Promise<unknown[]> =>
  (JSON.parse(await read('a.json')) as JsonReport).runs.map(({ instance, state, outcome }) => [
    instance,
    state,
    outcome?.outcome,
  ]);

test('all formats are there from the beginning, red, and right at the end', async () => {
  await writeFile(join(folder, 'a.xml'), '<green/>');
  const opened = await open([
    { format: 'junit', path: 'a.xml' },
    { format: 'json', path: 'a.json' },
    { format: 'markdown', path: 'a.md' },
  ]);
  if (!opened.ok) throw new Error(opened.error);
  expect(await readStates()).toEqual([
    ['web', 'not-started', undefined],
    ['db', 'not-started', undefined],
  ]);
  await opened.value.begin(target);
  expect(await readStates()).toEqual([
    ['web', 'under-way', undefined],
    ['db', 'not-started', undefined],
  ]);
  expect(await read('a.xml')).toContain('<error');
  for (const event of recorded(...eventsOfOutcomes.kept)) await opened.value.listener(event);
  expect(await readStates()).toEqual([
    ['web', 'ended', 'kept'],
    ['db', 'not-started', undefined],
  ]);
  expect(await read('a.xml')).not.toMatch(/<(error|failure)/);
  expect(await read('a.md')).toContain('## ✅');
  expect(await readdir(folder)).toEqual(['a.json', 'a.md', 'a.xml']);
});

test('a run that its rehearsal prevents was not started', async () => {
  const opened = await open(
    [
      { format: 'json', path: 'a.json' },
      { format: 'html', path: 'a.html' },
    ],
    [target],
  );
  if (!opened.ok) throw new Error(opened.error);
  await opened.value.begin(target);
  await opened.value.begin({ ...target, rehearsal: true });
  for (const event of recorded(...eventsOfOutcomes.quarantined)) await opened.value.listener(event);
  expect(await readStates()).toEqual([
    ['web', 'not-started', undefined],
    ['web', 'ended', 'quarantined'],
  ]);
  expect(await read('a.html')).not.toContain('has not ended');
});

test('an outcome that comes before any run is about all, and makes every report red', async () => {
  const opened = await open([
    { format: 'json', path: 'a.json' },
    { format: 'junit', path: 'a.xml' },
  ]);
  if (!opened.ok) throw new Error(opened.error);
  for (const event of recorded(...eventsOfOutcomes.refused)) await opened.value.listener(event);
  expect(await readStates()).toEqual([
    ['web', 'not-started', undefined],
    ['db', 'not-started', undefined],
    ['web db', 'ended', 'refused'],
  ]);
  expect(await read('a.xml')).toContain('<error');
});

test('of one instance it is the outcome', async () => {
  const opened = await open([{ format: 'json', path: 'a.json' }], [target]);
  if (!opened.ok) throw new Error(opened.error);
  for (const event of recorded(...eventsOfOutcomes.refused)) await opened.value.listener(event);
  expect(await readStates()).toEqual([['web', 'ended', 'refused']]);
});

test('the instances that a selection means take the place of the words of the command line', async () => {
  const opened = await open([{ format: 'json', path: 'a.json' }], [{ instance: 'w*', command: ['true'] }]);
  if (!opened.ok) throw new Error(opened.error);
  await opened.value.expect([target, { instance: 'web2', command: ['true'] }]);
  const follow = await opened.value.follow(target);
  for (const event of recorded(...eventsOfOutcomes.kept)) await follow(event);
  await opened.value.expect([]);
  expect(await readStates()).toEqual([['web', 'ended', 'kept']]);
});

test('a bug is told before guard ends of it', async () => {
  const opened = await open([{ format: 'junit', path: 'a.xml' }]);
  if (!opened.ok) throw new Error(opened.error);
  await opened.value.begin(target);
  await opened.value.breakOff(new Error('undefined is not a function'));
  expect(await read('a.xml')).toContain('This is a bug in guard: Error: undefined is not a function');
});

test('a file that cannot be written is said beforehand', async () => {
  await mkdir(join(folder, 'there'));
  await writeFile(join(folder, 'file'), '');
  const said = async (path: string): Promise<string | null> => {
    const opened = await open([{ format: 'json', path }]);
    return opened.ok ? null : opened.error.replaceAll(folder, '');
  };
  expect(await said('missing/a.json')).toMatch(/^The report cannot be written: .*missing.*it does not exist/);
  expect(await said('there')).toBe('The report cannot be written to "there": it is not a regular file.');
  expect(await said('/dev/null')).toBe('The report cannot be written to "/dev/null": it is not a regular file.');
  expect(await said('file/a.json')).toMatch(/a part of the path is not a folder/);
});

test('a file that cannot be written at the end stays red, and is complained of', async () => {
  const opened = await open([{ format: 'junit', path: 'a.xml' }], [target]);
  if (!opened.ok) throw new Error(opened.error);
  await opened.value.begin(target);
  const before = await read('a.xml');
  await rm(join(folder, 'a.xml'));
  await mkdir(join(folder, 'a.xml'));
  for (const event of recorded(...eventsOfOutcomes.kept)) await opened.value.listener(event);
  expect(complaints.at(-1)).toMatch(/not a regular file/);
  expect(before).toContain('<error');
});

test('a page of a rollout has its waves as soon as the rollout is over', async () => {
  const members = membersOf(3, { ...oneByOne, canary: 1 });
  const opened = await open(
    [{ format: 'html', path: 'a.html' }],
    members.map(({ label }) => ({ instance: label, command: ['true'] })),
  );
  if (!opened.ok) throw new Error(opened.error);
  const record = recordOf(members, { status: 'stopped', stop: 'canary' });
  const [first, ...others] = record.members;
  if (first === undefined) throw new Error('There is no member.');
  await opened.value.followRollout({
    ...record,
    members: [{ ...first, state: 'failed', outcome: 'rolled-back', message: 'c0 is unwell' }, ...others],
  });
  const page = await read('a.html');
  expect(page).toContain('Wave 1, canary');
  expect(page).toContain('The rollout stopped, because the canary was not kept: 1 rolled back, 2 not started.');
  expect(page).toContain('guard rollout resume');
});
