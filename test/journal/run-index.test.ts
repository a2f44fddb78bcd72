import { appendFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Outcome } from '../../src/event.ts';
import { consecutiveFailures, lastOutcomes } from '../../src/journal/history.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { keptRestorePoints } from '../../src/journal/kept-restore-points.ts';
import { pruneRecords } from '../../src/journal/retention.ts';
import { fingerprintOf, listRuns, unfinishedRuns } from '../../src/journal/run-index.ts';
import { listRunIds } from '../../src/journal/runs.ts';
import { ended, recorded, started } from './samples.ts';
import { temporaryFolder } from './temporary.ts';

const all = { instance: null, limit: Infinity };
const kept: Outcome = { outcome: 'kept' };
const rolledBack: Outcome = { outcome: 'rolled-back', cause: 'command' };

interface Run {
  readonly instance?: string;
  readonly command?: readonly string[];
  readonly at?: number;
  /** Null: it has not ended. */
  readonly outcome?: Outcome | null;
  readonly restorePoint?: string;
  readonly released?: string | null;
}

let state: string;
let index: string;

beforeEach(async () => {
  state = await temporaryFolder();
  index = join(state, 'index.jsonl');
});

const record = async (run: string, what: Run = {}): Promise<void> => {
  const journal = await openJournal({ stateDirectory: state, run });
  if (!journal.ok) throw new Error(journal.error);
  const { append } = journal.value;
  await append(recorded(started(what.instance, what.command), what.at, run));
  if (what.restorePoint) {
    const restorePoint = { name: 'guard-in-flight', createdAt: `at ${run}`, volumes: [] };
    await append(recorded({ type: 'restore-point-created', restorePoint }, what.at, run));
  }
  if (what.released !== undefined)
    await append(recorded({ type: 'released', restorePoint: what.released }, what.at, run));
  if (what.outcome !== null) await append(recorded(ended(what.outcome ?? kept), what.at, run));
  await journal.value.close();
};

const idOf = (number: number): string => `20261123-0551${String(number).padStart(2, '0')}-aaaa`;

const listed = async (wanted = all): Promise<string[]> => (await listRuns(state, wanted)).map(({ run }) => run);

test('lists nothing where nothing was ever recorded', async () => {
  expect(await listRuns(join(state, 'none'), all)).toEqual([]);
});

test('the newest first, bounded, of one instance or of all', async () => {
  for (let number = 0; number < 6; number += 1) await record(idOf(number), { instance: number % 2 ? 'db01' : 'web01' });
  expect(await listed()).toEqual([5, 4, 3, 2, 1, 0].map(idOf));
  expect(await listed({ instance: null, limit: 2 })).toEqual([5, 4].map(idOf));
  expect(await listRuns(state, { instance: 'db01', limit: 2 })).toMatchObject([{ run: idOf(5) }, { run: idOf(3) }]);
});

test('runs of the same second are in the order of their records', async () => {
  await record('20261123-055100-zzzz', { at: 100 });
  await record('20261123-055100-bbbb', { at: 900 });
  await record('20261123-055100-yyyy', { at: 500 });
  expect(await listed()).toEqual(['20261123-055100-bbbb', '20261123-055100-yyyy', '20261123-055100-zzzz']);
});

test('tells the same with the index, without it, and with a broken one', async () => {
  for (let number = 0; number < 5; number += 1) await record(idOf(number), { outcome: number % 2 ? kept : rolledBack });
  await record(idOf(9), { outcome: null });
  const summaries = await listRuns(state, all);
  expect(summaries).toHaveLength(6);

  const whole = await readFile(index, 'utf8');
  await truncate(index, whole.length - 40);
  expect(await listRuns(state, all)).toEqual(summaries);
  await writeFile(index, `garbage\n\0\0\0{"run":"${whole}`);
  expect(await listRuns(state, all)).toEqual(summaries);
  // Lines of other versions, and of none.
  const others = ['{"started":null}', '{"v":2,"bytes":1,"summary":{}}', '{"v":1,"bytes":1,"summary":null}', '{"v":1}'];
  await writeFile(index, others.map((line) => `{"run":"${idOf(1)}",${line.slice(1)}\n`).join(''));
  expect(await listRuns(state, all)).toEqual(summaries);
  await rm(index);
  expect(await listRuns(state, all)).toEqual(summaries);
  // What was missing has been written again.
  expect((await readFile(index, 'utf8')).split('\n')).toHaveLength(6);
});

test('believes the record where the index tells otherwise', async () => {
  await record(idOf(1), { outcome: { outcome: 'rollback-failed', cause: 'command', message: '', manualRecovery: [] } });
  expect(await listRuns(state, all)).toMatchObject([{ ended: { outcome: { outcome: 'rollback-failed' } } }]);
  // guard recover finished it, and died before it could tell the index.
  const line = JSON.stringify(recorded(ended(rolledBack), 5000, idOf(1)));
  await appendFile(join(state, 'runs', idOf(1), 'journal.jsonl'), `${line}\n`);
  expect(await listRuns(state, all)).toMatchObject([{ ended: { outcome: { outcome: 'rolled-back' } } }]);
});

test('a record that was removed is not listed, and what is no record is passed over', async () => {
  await record(idOf(1));
  await record(idOf(2));
  await rm(join(state, 'runs', idOf(2)), { recursive: true });
  await mkdir(join(state, 'runs', idOf(3)));
  await mkdir(join(state, 'runs', 'lost+found'));
  expect(await listed()).toEqual([idOf(1)]);
});

test('an index that cannot be written costs time and nothing else', async () => {
  await mkdir(index);
  await record(idOf(1));
  expect(await listed()).toEqual([idOf(1)]);
});

test('ten thousand runs are listed without reading their records', async () => {
  await record(idOf(1));
  const line = await readFile(index, 'utf8');
  const { length } = await readFile(join(state, 'runs', idOf(1), 'journal.jsonl'));
  const ids = Array.from({ length: 10_000 }, (_, number) => `20250101-${String(number).padStart(6, '0')}-aaaa`);
  // Journals of the right length that nobody could read.
  for (const id of ids) {
    await mkdir(join(state, 'runs', id));
    await writeFile(join(state, 'runs', id, 'journal.jsonl'), 'x'.repeat(length));
  }
  await writeFile(index, ids.map((id) => line.replaceAll(idOf(1), id)).join('') + line);
  expect(await listRuns(state, all)).toHaveLength(10_001);
  expect(await listed({ instance: null, limit: 3 })).toEqual([idOf(1), ids.at(-1), ids.at(-2)]);
}, 60_000);

test('runs are unfinished without an end, or with a restore point that is still in flight', async () => {
  await record(idOf(1), { outcome: null });
  await record(idOf(2), { restorePoint: 'x', released: 'guard-x' });
  await record(idOf(3), { restorePoint: 'x' });
  await record(idOf(4), { restorePoint: 'x', released: null });
  await record(idOf(5), { outcome: { outcome: 'refused', refusal: { message: '', advice: '' } } });
  expect((await unfinishedRuns(state)).map(({ run }) => run)).toEqual([idOf(1), idOf(3)]);
});

test('the restore points that runs left, of exactly this instance', async () => {
  await record(idOf(1), { restorePoint: 'x', released: 'guard-1' });
  await record(idOf(2), { restorePoint: 'x', released: null });
  await record(idOf(3), { restorePoint: 'x', released: 'guard-3', instance: 'db01' });
  await record(idOf(4), { restorePoint: 'x', released: 'guard-4' });
  const address = { instance: 'web01', project: 'default', remote: null };
  expect(await keptRestorePoints(state, address)).toEqual([
    { run: idOf(4), name: 'guard-4', createdAt: `at ${idOf(4)}`, named: false, volumes: [] },
    { run: idOf(1), name: 'guard-1', createdAt: `at ${idOf(1)}`, named: false, volumes: [] },
  ]);
  expect(await keptRestorePoints(state, { ...address, project: 'other' })).toEqual([]);
  expect(await keptRestorePoints(state, { ...address, remote: 'prod' })).toEqual([]);
});

test('what became of the same command on the same instance (F37)', async () => {
  const upgrade = ['apt-get', '-y', 'upgrade'];
  await record(idOf(1), { command: upgrade, outcome: rolledBack });
  await record(idOf(2), { command: ['apt-get', '-y upgrade'], outcome: kept });
  await record(idOf(3), { command: upgrade, instance: 'db01', outcome: kept });
  await record(idOf(4), { command: upgrade, outcome: kept });
  await record(idOf(5), { command: upgrade, outcome: null });
  const address = { instance: 'web01', project: 'default', remote: null };
  expect(await lastOutcomes(state, address, upgrade)).toMatchObject([
    { run: idOf(4), outcome: kept },
    { run: idOf(1), outcome: rolledBack },
  ]);
});

test('the fingerprint of a command does not depend on how much of it a list shows', async () => {
  const long = ['sh', '-c', 'x'.repeat(100_000)];
  await record(idOf(1), { command: long, outcome: rolledBack });
  const [summary] = await listRuns(state, all);
  expect(summary?.fingerprint).toBe(fingerprintOf(long));
  expect((await readFile(index, 'utf8')).length).toBeLessThan(2000);
});

test('failures in a row are counted from the newest to the last good one (F42)', async () => {
  const address = { instance: 'web01', project: 'default', remote: null };
  expect(await consecutiveFailures(state, address)).toBe(0);
  await record(idOf(1), { outcome: rolledBack });
  await record(idOf(2), { outcome: kept });
  await record(idOf(3), { outcome: rolledBack });
  await record(idOf(4), { outcome: { outcome: 'busy', refusal: { message: '', advice: '' } } });
  await record(idOf(5), { outcome: rolledBack });
  await record(idOf(6), { outcome: rolledBack, instance: 'db01' });
  expect(await consecutiveFailures(state, address)).toBe(2);
});

test('old records go, but never one that has not ended or is needed (F14)', async () => {
  for (let number = 1; number <= 6; number += 1) await record(idOf(number), { outcome: number === 2 ? null : kept });
  const removed = await pruneRecords(state, { keep: 3, needed: new Set([idOf(1)]) });
  expect(removed).toEqual([idOf(3)]);
  expect(await listRunIds(state)).toEqual([6, 5, 4, 2, 1].map(idOf));
  expect(await listed()).toEqual([6, 5, 4, 2, 1].map(idOf));
});

test('nor does one whose change waits for a confirmation: its deadline is kept by the record', async () => {
  const waits = { outcome: 'waiting', deadline: 1 } as const;
  for (let number = 1; number <= 3; number += 1) await record(idOf(number), { outcome: number === 1 ? waits : kept });
  expect(await pruneRecords(state, { keep: 1 })).toEqual([idOf(2)]);
});
