import type * as FileSystem from 'node:fs/promises';
import { appendFile, cp, mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Outcome, RunEvent } from '../../src/event.ts';
import { consecutiveFailures, outcomesSinceKept } from '../../src/journal/history.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { keptRestorePoints } from '../../src/journal/kept-restore-points.ts';
import { pruneRecords, removeRecord } from '../../src/journal/retention.ts';
import { lastRunOfEach, listRuns, listRunsNamed, listRunsOf, unfinishedRuns } from '../../src/journal/run-index.ts';
import { fingerprintOf, type RunSummary } from '../../src/journal/run-summary.ts';
import { listRunIds } from '../../src/journal/runs.ts';
import { ended, identity, recorded, started } from './samples.ts';
import { temporaryFolder } from './temporary.ts';

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof FileSystem>();
  return { ...real, rm: vi.fn<typeof FileSystem.rm>(real.rm) };
});
const { rm: removeReally } = await vi.importActual<typeof FileSystem>('node:fs/promises');
afterEach(() => void vi.mocked(rm).mockImplementation(removeReally));

const kept: Outcome = { outcome: 'kept' };
const rolledBack: Outcome = { outcome: 'rolled-back', cause: 'command' };

interface Run {
  readonly instance?: string;
  /** Left out: `u-` and the name. Null: recorded by an older guard. */
  readonly uuid?: string | null;
  readonly server?: string;
  readonly project?: string;
  readonly command?: readonly string[];
  readonly at?: number;
  /** Null: it has not ended. */
  readonly outcome?: Outcome | null;
  readonly restorePoint?: string;
  readonly released?: string | null;
}

let state: string;
let history: string;
let finished: string;

beforeEach(async () => {
  state = await temporaryFolder();
  history = join(state, 'history');
  finished = join(state, 'finished');
});

/** No restore point exists any more. */
const never = async (): Promise<boolean> => false;

const record = async (run: string, what: Run = {}): Promise<void> => {
  const journal = await openJournal({ stateDirectory: state, run });
  if (!journal.ok) throw new Error(journal.error);
  const { append } = journal.value;
  const instance = what.instance ?? 'web01';
  const uuid = what.uuid === undefined ? `u-${instance}` : what.uuid;
  const { project = 'default', server = 's1' } = what;
  const known = uuid === null ? {} : { uuid, server };
  await append(recorded({ ...started(instance, what.command), project, ...known } as RunEvent, what.at, run));
  if (what.restorePoint) {
    const createdAt = what.restorePoint === 'x' ? `at ${run}` : what.restorePoint;
    const restorePoint = { name: 'guard-in-flight', createdAt, volumes: [] };
    await append(recorded({ type: 'restore-point-created', restorePoint }, what.at, run));
  }
  if (what.released !== undefined)
    await append(recorded({ type: 'released', restorePoint: what.released }, what.at, run));
  if (what.outcome !== null) await append(recorded(ended(what.outcome ?? kept), what.at, run));
  await journal.value.close();
};

const idOf = (number: number): string => `20261123-0551${String(number).padStart(2, '0')}-aaaa`;

const idsOf = (runs: readonly Pick<RunSummary, 'run'>[]): string[] => runs.map(({ run }) => run);
const listed = async (limit = Infinity): Promise<string[]> => idsOf(await listRuns(state, limit));
const listedOf = async (more: Parameters<typeof identity>[0] = {}, limit = Infinity): Promise<string[]> =>
  idsOf(await listRunsOf(state, identity(more), limit));
const db01 = { instance: 'db01', uuid: 'u-db01' };

/** The one file of the history. */
const onlyHistory = async (): Promise<string> => join(history, (await readdir(history))[0] ?? '');

/** The generation in its header, and what follows. */
const historyParts = async (): Promise<[generation: string, lines: string]> => {
  const text = await readFile(await onlyHistory(), 'utf8');
  const end = text.indexOf('\n') + 1;
  return [String((JSON.parse(text.slice(0, end)) as { generation: unknown }).generation), text.slice(end)];
};

test('lists nothing where nothing was ever recorded', async () => {
  expect(await listRuns(join(state, 'none'), Infinity)).toEqual([]);
  expect(await listRunsOf(join(state, 'none'), identity(), Infinity)).toEqual([]);
  expect(await unfinishedRuns(join(state, 'none'))).toEqual([]);
});

test('the newest first, bounded, of one instance or of all', async () => {
  for (let number = 0; number < 6; number += 1) await record(idOf(number), { instance: number % 2 ? 'db01' : 'web01' });
  expect(await listed()).toEqual([5, 4, 3, 2, 1, 0].map(idOf));
  expect(await listed(2)).toEqual([5, 4].map(idOf));
  expect(await listedOf(db01, 2)).toEqual([5, 3].map(idOf));
  expect(idsOf(await listRunsNamed(state, { instance: 'db01' }, 2))).toEqual([5, 3].map(idOf));
});

test('runs of the same second are in the order of their records', async () => {
  await record('20261123-055100-zzzz', { at: 100 });
  await record('20261123-055100-bbbb', { at: 900 });
  await record('20261123-055100-yyyy', { at: 500 });
  const inOrder = ['20261123-055100-bbbb', '20261123-055100-yyyy', '20261123-055100-zzzz'];
  expect(await listed()).toEqual(inOrder);
  expect(await listedOf()).toEqual(inOrder);
});

test('tells the same of an instance with its history, without it, and with a broken one', async () => {
  for (let number = 0; number < 5; number += 1) await record(idOf(number), { outcome: number % 2 ? kept : rolledBack });
  await record(idOf(9), { outcome: null });
  const summaries = await listRunsOf(state, identity(), Infinity);
  expect(idsOf(summaries)).toEqual([9, 4, 3, 2, 1, 0].map(idOf));
  const path = await onlyHistory();
  const whole = await readFile(path, 'utf8');
  const agrees = async (): Promise<void> => {
    await unfinishedRuns(state);
    expect(await listRunsOf(state, identity(), Infinity)).toEqual(summaries);
    expect(await listRunsNamed(state, { instance: 'web01' }, Infinity)).toEqual(summaries);
  };
  await truncate(path, whole.length - 40);
  await agrees();
  await writeFile(path, `garbage\n\0\0\0{"run":"${whole}`);
  await agrees();
  // Lines of other versions, and of none.
  const others = ['{"started":null}', '{"v":2,"bytes":1,"summary":{}}', '{"v":1,"bytes":1,"summary":null}', '{"v":1}'];
  await writeFile(path, whole + others.map((line) => `{"run":"${idOf(1)}",${line.slice(1)}\n`).join(''));
  await agrees();
  // Whatever is lost is found in the records again, as soon as the note of what is finished is lost as well.
  await rm(history, { recursive: true });
  await rm(finished);
  await agrees();
});

test('a run finds the history of its instance although somebody deleted it (F37)', async () => {
  for (let number = 0; number < 3; number += 1) await record(idOf(number));
  await rm(history, { recursive: true });
  await rm(finished);
  await record(idOf(3), { outcome: null });
  expect(await listedOf()).toEqual([3, 2, 1, 0].map(idOf));
});

describe('a history that was lost comes back, although its runs are noted as finished', () => {
  const all = [3, 2, 1].map(idOf);
  beforeEach(async () => {
    for (const number of [1, 2, 3]) await record(idOf(number), { restorePoint: 'x', released: `guard-${number}` });
    await record(idOf(4), db01);
  });
  const web = async (): Promise<string> => {
    for (const name of await readdir(history))
      if ((await readFile(join(history, name), 'utf8')).includes('"web01"')) return join(history, name);
    throw new Error('no history of web01');
  };
  const comesBack = async (): Promise<void> => {
    await unfinishedRuns(state);
    expect(await listedOf()).toEqual(all);
    expect(idsOf(await listRunsNamed(state, { instance: 'web01' }, 9))).toEqual(all);
    expect((await keptRestorePoints(state, identity())).map(({ run }) => run)).toEqual(all);
    expect(await listedOf(db01)).toEqual([idOf(4)]);
  };

  test('the whole folder', async () => {
    await rm(history, { recursive: true });
    await comesBack();
  });

  test('the file of one instance, before anything else is read', async () => {
    await rm(await web());
    expect(await listedOf()).toEqual(all);
    await comesBack();
  });

  test('the file of one instance, which has another run since', async () => {
    await rm(await web());
    await record(idOf(5));
    expect(await listedOf()).toEqual([idOf(5), ...all]);
  });

  test('all but the beginning of the file', async () => {
    const text = await readFile(await web(), 'utf8');
    const path = await web();
    for (const length of [0, 20, 55, 70, 700, text.length / 2, text.length - 900].map(Math.floor)) {
      await writeFile(path, text.slice(0, length));
      await comesBack();
    }
  });

  test('any one line, as where another guard cut the file at that moment', async () => {
    const path = await web();
    for (const run of all) {
      const text = await readFile(path, 'utf8');
      const left = text.split('\n').filter((line) => !line.startsWith(`{"run":"${run}"`));
      await writeFile(path, left.join('\n'));
      await comesBack();
    }
  });

  test('the record of the newest run was removed, and then the others', async () => {
    expect(await removeRecord(state, idOf(3))).toBe(true);
    expect(await listedOf()).toEqual([2, 1].map(idOf));
    await record(idOf(5), { outcome: null });
    await rm(join(state, 'runs', idOf(5)), { recursive: true });
    for (const number of [2, 1]) await removeRecord(state, idOf(number));
    expect(await listedOf()).toEqual([]);
    // Only that of the other instance is left.
    expect(await readdir(history)).toHaveLength(1);
  });

  test('its line could not be written when the run ended', async () => {
    const path = await web();
    const text = await readFile(path, 'utf8');
    await rm(path);
    await mkdir(path);
    await record(idOf(5));
    expect(await readdir(history)).toHaveLength(2);
    await rm(path, { recursive: true });
    await writeFile(path, text);
    await unfinishedRuns(state);
    expect(await listedOf()).toEqual([idOf(5), ...all]);
  });

  test('and is not read a second time', async () => {
    await rm(history, { recursive: true });
    await unfinishedRuns(state);
    const path = join(state, 'runs', idOf(1), 'journal.jsonl');
    await writeFile(path, 'x'.repeat((await readFile(path)).length));
    // A record that is read and says nothing would be unfinished.
    expect(await unfinishedRuns(state)).toEqual([]);
  });
});

test('a guard that is killed at any byte of a note leaves nothing that is believed', async () => {
  await record(idOf(1), { outcome: rolledBack });
  await record(idOf(2), { outcome: null });
  const path = await onlyHistory();
  const [lines, notes] = [await readFile(path, 'utf8'), await readFile(finished, 'utf8')];
  const summaries = await listRunsOf(state, identity(), Infinity);
  for (let length = 0; length < lines.length; length += 7) {
    await writeFile(path, lines.slice(0, length));
    await writeFile(finished, notes.slice(0, length % notes.length));
    expect((await unfinishedRuns(state)).map(({ run }) => run)).toEqual([idOf(2)]);
    expect(await listRunsOf(state, identity(), Infinity)).toEqual(summaries);
  }
});

test('believes the record where the history tells otherwise', async () => {
  const failed = { outcome: 'rollback-failed', cause: 'command', message: '', manualRecovery: [] } as const;
  await record(idOf(1), { outcome: failed });
  expect(await listRunsOf(state, identity(), 1)).toMatchObject([
    { ended: { outcome: { outcome: 'rollback-failed' } } },
  ]);
  // guard recover finished it, and died before it could tell the history.
  const line = JSON.stringify(recorded(ended(rolledBack), 5000, idOf(1)));
  await appendFile(join(state, 'runs', idOf(1), 'journal.jsonl'), `${line}\n`);
  expect(await listRunsOf(state, identity(), 1)).toMatchObject([{ ended: { outcome: { outcome: 'rolled-back' } } }]);
});

test('believes the record where the note says that it is finished, and it is cut', async () => {
  await record(idOf(1), { restorePoint: 'x', released: 'guard-x' });
  expect(await unfinishedRuns(state)).toEqual([]);
  const journal = join(state, 'runs', idOf(1), 'journal.jsonl');
  const lines = (await readFile(journal, 'utf8')).split('\n');
  await writeFile(journal, `${lines.slice(0, 2).join('\n')}\n`);
  expect((await unfinishedRuns(state)).map(({ run }) => run)).toEqual([idOf(1)]);
});

test('finds the records of an older guard, and one that was put there by hand', async () => {
  for (let number = 0; number < 3; number += 1)
    await record(idOf(number), { uuid: null, restorePoint: 'x', released: 'g' });
  await record(idOf(3), { uuid: null, restorePoint: 'x' });
  await rm(history, { recursive: true });
  await rm(finished);
  const entry = (run: string): string =>
    `${JSON.stringify({ run, v: 1, bytes: 1, summary: { started: { instance: 'web01' } } })}\n`;
  await writeFile(join(state, 'index.jsonl'), [0, 1, 2].map((number) => entry(idOf(number))).join(''));
  // Too many records to read them all for one instance.
  for (let number = 0; number < 500; number += 1)
    await mkdir(join(state, 'runs', `20250101-${String(number).padStart(6, '0')}-aaaa`));
  expect(await listedOf()).toEqual([2, 1, 0].map(idOf));
  expect((await unfinishedRuns(state)).map(({ run }) => run)).toEqual([idOf(3)]);
  expect(await listedOf()).toEqual([3, 2, 1, 0].map(idOf));
  expect(await readdir(state)).not.toContain('index.jsonl');
  await cp(join(state, 'runs', idOf(3)), join(state, 'runs', idOf(4)), { recursive: true });
  expect((await unfinishedRuns(state)).map(({ run }) => run)).toEqual([idOf(3), idOf(4)]);
});

test('two guards that read the records of an older one at the same time', async () => {
  for (let number = 0; number < 20; number += 1) await record(idOf(number), { outcome: number === 7 ? null : kept });
  await rm(history, { recursive: true });
  await rm(finished);
  const both = await Promise.all([unfinishedRuns(state), unfinishedRuns(state)]);
  for (const runs of both) expect(runs.map(({ run }) => run)).toEqual([idOf(7)]);
  expect(await listedOf()).toHaveLength(20);
});

test('a record that was removed is not listed, and what is no record is passed over', async () => {
  await record(idOf(1));
  await record(idOf(2));
  await rm(join(state, 'runs', idOf(2)), { recursive: true });
  await mkdir(join(state, 'runs', idOf(3)));
  await mkdir(join(state, 'runs', 'lost+found'));
  expect(await listed()).toEqual([idOf(1)]);
  expect(await listedOf()).toEqual([idOf(1)]);
});

test('notes that cannot be written cost time and nothing else', async () => {
  await writeFile(history, 'no folder');
  await mkdir(finished);
  await record(idOf(1));
  await record(idOf(2), { outcome: null });
  expect(await listed()).toEqual([idOf(2), idOf(1)]);
  expect(idsOf(await listRunsNamed(state, { instance: 'web01' }, 9))).toEqual([idOf(2), idOf(1)]);
  expect((await lastRunOfEach(state)).map(({ started: run }) => run?.instance)).toContain('web01');
  expect((await unfinishedRuns(state)).map(({ run }) => run)).toEqual([idOf(2)]);
});

test('a signal does not wait until a long history is read', async () => {
  for (let number = 0; number < 500; number += 1)
    await mkdir(join(state, 'runs', `20250101-${String(number).padStart(6, '0')}-aaaa`), { recursive: true });
  const reading = { isOver: false, turns: 0 };
  const read = unfinishedRuns(state).then(() => (reading.isOver = true));
  for (; !reading.isOver; reading.turns += 1) await setImmediate();
  await read;
  expect(reading.turns).toBeGreaterThan(10);
});

test('ten thousand finished runs are not read', async () => {
  await record(idOf(1));
  const ids = Array.from({ length: 10_000 }, (_, number) => `20250101-${String(number).padStart(6, '0')}-aaaa`);
  // Journals that nobody could read, of the length that was noted.
  for (const id of ids) {
    await mkdir(join(state, 'runs', id));
    await writeFile(join(state, 'runs', id, 'journal.jsonl'), 'x'.repeat(100));
  }
  // The history had become too long, and was cut.
  const [generation, lines] = await historyParts();
  await writeFile(await onlyHistory(), `{"generation":"${generation}","from":"20260101-000000-aaaa"}\n${lines}`);
  await appendFile(finished, ids.map((id) => `${id} 000000100 ${generation}\n`).join(''));
  await record(idOf(2), { outcome: null });
  expect((await unfinishedRuns(state)).map(({ run }) => run)).toEqual([idOf(2)]);
  expect(await listedOf()).toEqual([idOf(2), idOf(1)]);
}, 60_000);

test('a history stays short', async () => {
  await record(idOf(1));
  const path = await onlyHistory();
  const [line = ''] = (await readFile(path, 'utf8')).split('\n').filter((one) => one.includes('"ended"'));
  const filler = Array.from({ length: 20_000 }, (_, number) =>
    line.replaceAll(idOf(1), `20250101-${String(number).padStart(6, '0')}-aaaa`),
  );
  const [header = ''] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, [header, ...filler].map((one) => `${one}\n`).join(''));
  const [generation] = await historyParts();
  await record(idOf(2));
  expect((await readFile(path)).length).toBeLessThan(3 * 1024 * 1024);
  expect(await listedOf()).toEqual([idOf(2)]);
  expect((await historyParts())[0]).toBe(generation);
});

describe('an instance is its uuid on its server (F37, F17)', () => {
  test('one that was deleted and created again has no runs of its predecessor', async () => {
    await record(idOf(1), { outcome: rolledBack, restorePoint: 'x', released: 'guard-1' });
    const again = identity({ uuid: 'u-again' });
    expect(await listRunsOf(state, again, 9)).toEqual([]);
    expect(await outcomesSinceKept(state, again, ['true'])).toEqual([]);
    expect(await keptRestorePoints(state, again)).toEqual([]);
    expect(await consecutiveFailures(state, again)).toBe(0);
    expect(await consecutiveFailures(state, identity())).toBe(1);
  });

  test('one that was renamed or moved to another project keeps its runs', async () => {
    await record(idOf(1), { outcome: rolledBack });
    expect(await listedOf({ instance: 'web02' })).toEqual([idOf(1)]);
    expect(await listedOf({ project: 'other', remote: 'prod' })).toEqual([idOf(1)]);
  });

  test('one of another server or project with the same name has none, nor one that has the uuid on another server', async () => {
    await record(idOf(1));
    expect(await listedOf({ uuid: 'u-other', project: 'other' })).toEqual([]);
    expect(await listedOf({ uuid: 'u-other', server: 's2' })).toEqual([]);
    expect(await listedOf({ server: 's2' })).toEqual([]);
    // The server did not say this time.
    expect(await listedOf({ server: null })).toEqual([idOf(1)]);
  });

  test('records of an older guard go by the names, unless the instance is younger than their restore points', async () => {
    await record(idOf(1), { uuid: null, restorePoint: '2026-11-23T05:51:26Z', released: 'guard-1' });
    expect(await listedOf()).toEqual([idOf(1)]);
    expect(await listedOf({ createdAt: '2026-11-20T00:00:00Z' })).toEqual([idOf(1)]);
    expect(await listedOf({ createdAt: '2026-11-24T00:00:00Z' })).toEqual([]);
    expect(await listedOf({ instance: 'web02' })).toEqual([]);
    expect(await listedOf({ project: 'other' })).toEqual([]);
  });

  test('where the server tells no uuid the names decide', async () => {
    await record(idOf(1));
    await record(idOf(2), { project: 'other', uuid: 'u-2' });
    expect(await listedOf({ uuid: null })).toEqual([idOf(1)]);
    expect(await listedOf({ uuid: null, server: 's2' })).toEqual([]);
  });

  test('the last run of each instance', async () => {
    await record(idOf(1));
    await record(idOf(2));
    await record(idOf(3), { uuid: 'u-again' });
    await record(idOf(4), db01);
    expect(idsOf(await lastRunOfEach(state)).toSorted()).toEqual([2, 3, 4].map(idOf));
  });
});

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
  const address = identity();
  expect(await keptRestorePoints(state, address)).toEqual([
    { run: idOf(4), name: 'guard-4', createdAt: `at ${idOf(4)}`, named: false, volumes: [] },
    { run: idOf(1), name: 'guard-1', createdAt: `at ${idOf(1)}`, named: false, volumes: [] },
  ]);
  expect(await keptRestorePoints(state, { ...address, uuid: null, project: 'other' })).toEqual([]);
  expect(await keptRestorePoints(state, { ...address, uuid: null, remote: 'prod' })).toEqual([]);
});

test('the restore points of some names are found as among all of them', async () => {
  const names = ['guard-1', 'with "quotes" and \\', 'guard-3', 'guard-4', 'guard-5'];
  for (const [at, released] of names.entries()) await record(idOf(at + 1), { restorePoint: 'x', released });
  await record(idOf(6), { restorePoint: 'x', released: null });
  // Killed before its end was noted.
  await record(idOf(7), { restorePoint: 'x', released: 'guard-7', outcome: null });
  const all = await keptRestorePoints(state, identity());
  expect(all.map(({ name }) => name)).toEqual(['guard-7', ...names.toReversed()]);
  for (const wanted of [names.slice(0, 2), ['guard-7', 'guard-3', 'of-a-user'], []])
    expect(await keptRestorePoints(state, identity(), { names: new Set(wanted) })).toEqual(
      all.filter(({ name }) => wanted.includes(name)),
    );
  for (const most of [1, 2, 6, 9])
    expect(await keptRestorePoints(state, identity(), { most })).toEqual(all.slice(0, most));
});

test('what became of the same command on the same instance, since it was last kept (F37)', async () => {
  const upgrade = ['apt-get', '-y', 'upgrade'];
  await record(idOf(1), { command: upgrade, outcome: rolledBack });
  await record(idOf(2), { command: ['apt-get', '-y upgrade'], outcome: kept });
  await record(idOf(3), { command: upgrade, instance: 'db01', outcome: kept });
  await record(idOf(4), { command: upgrade, outcome: null });
  const address = identity();
  expect(await outcomesSinceKept(state, address, upgrade)).toMatchObject([{ run: idOf(1), outcome: rolledBack }]);
  await record(idOf(6), { command: upgrade, outcome: kept });
  await record(idOf(7), { command: ['true'], outcome: kept });
  await record(idOf(8), { command: upgrade, outcome: rolledBack });
  expect(await outcomesSinceKept(state, address, upgrade)).toMatchObject([{ run: idOf(8), outcome: rolledBack }]);
});

test('the fingerprint of a command does not depend on how much of it a list shows', async () => {
  const long = ['sh', '-c', 'x'.repeat(100_000)];
  await record(idOf(1), { command: long, outcome: rolledBack });
  const [summary] = await listRunsOf(state, identity(), 1);
  expect(summary?.fingerprint).toBe(fingerprintOf(long));
  expect((await readFile(await onlyHistory(), 'utf8')).length).toBeLessThan(4000);
});

test('failures in a row are counted from the newest to the last good one (F42)', async () => {
  const address = identity();
  expect(await consecutiveFailures(state, address)).toBe(0);
  await record(idOf(1), { outcome: rolledBack });
  await record(idOf(2), { outcome: kept });
  await record(idOf(3), { outcome: rolledBack });
  await record(idOf(4), { outcome: { outcome: 'busy', refusal: { message: '', advice: '' } } });
  await record(idOf(5), { outcome: rolledBack });
  await record(idOf(6), { outcome: rolledBack, instance: 'db01' });
  expect(await consecutiveFailures(state, address)).toBe(2);
});

test('records that are needed do not stop the removal of later ones', async () => {
  const needed = Array.from({ length: 12 }, (_, number) => idOf(number));
  for (let number = 0; number < 16; number += 1)
    await record(idOf(number), { restorePoint: 'x', released: `guard-${idOf(number)}` });
  const asked: string[] = [];
  const prune = () =>
    pruneRecords(state, {
      keep: 1,
      mayExist: async ({ run }) => {
        asked.push(run);
        return needed.includes(run);
      },
    });
  const removed: string[] = [];
  for (let time = 0; time < 3; time += 1) removed.push(...(await prune()));
  expect(removed.toSorted()).toEqual([12, 13, 14, 15].map(idOf));
  // A run waits for a few answers only.
  expect(asked.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(idOf));
  expect((await keptRestorePoints(state, identity())).map(({ run }) => run).toSorted()).toEqual(needed);
});

test('a record that cannot be removed does not stop the removal of later ones', async () => {
  for (let number = 0; number < 40; number += 1) await record(idOf(number));
  const [stuck = ''] = await readdir(join(state, 'runs'));
  vi.mocked(rm).mockImplementation(async (path, options) => {
    if (String(path).endsWith(stuck)) throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    return removeReally(path, options);
  });
  const removed: string[] = [];
  for (let time = 0; time < 5; time += 1) removed.push(...(await pruneRecords(state, { keep: 5, mayExist: never })));
  expect(removed).toHaveLength(34);
  expect(await listRunIds(state)).toEqual([39, 38, 37, 36, 35, 0].map(idOf));
});

test('a run that is noted twice counts once', async () => {
  for (let number = 1; number <= 3; number += 1) await record(idOf(number));
  await appendFile(finished, `\n\n${await readFile(finished, 'utf8')}\n\n`);
  expect(await pruneRecords(state, { keep: 3, mayExist: never })).toEqual([]);
  expect(await pruneRecords(state, { keep: 2, mayExist: never })).toEqual([idOf(1)]);
});

test('old records go, but never one that has not ended or whose restore point may exist (F14)', async () => {
  await record(idOf(1), { restorePoint: 'x', released: 'guard-x' });
  for (let number = 2; number <= 6; number += 1) await record(idOf(number), { outcome: number === 2 ? null : kept });
  const removed = await pruneRecords(state, { keep: 3, mayExist: async ({ name }) => name === 'guard-x' });
  expect(removed).toEqual([idOf(3)]);
  expect(await listRunIds(state)).toEqual([6, 5, 4, 2, 1].map(idOf));
  expect(await listed()).toEqual([6, 5, 4, 2, 1].map(idOf));
});

test('nor does one whose change waits for a confirmation: its deadline is kept by the record', async () => {
  const waits = { outcome: 'waiting', deadline: 1 } as const;
  for (let number = 1; number <= 3; number += 1) await record(idOf(number), { outcome: number === 1 ? waits : kept });
  expect(await pruneRecords(state, { keep: 1, mayExist: never })).toEqual([idOf(2)]);
});
