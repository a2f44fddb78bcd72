import { appendFile, mkdir, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { RecordedEvent } from '../../src/event.ts';
import { openJournal, type Journal } from '../../src/journal/journal.ts';
import { readBaseline, readRun } from '../../src/journal/runs.ts';
import { ended, recorded, sampleRun, started } from './samples.ts';
import { temporaryFolder } from './temporary.ts';

const open = async (state: string): Promise<Journal> => {
  const journal = await openJournal({ stateDirectory: state, run: sampleRun });
  if (!journal.ok) throw new Error(journal.error);
  return journal.value;
};

const write = async (state: string, events: readonly RecordedEvent[]): Promise<void> => {
  const journal = await open(state);
  for (const event of events) expect(await journal.append(event)).toEqual({ ok: true, value: undefined });
  await journal.close();
};

const fileOf = (state: string): string => join(state, 'runs', sampleRun, 'journal.jsonl');

const typesIn = async (state: string): Promise<string[] | undefined> =>
  (await readRun(state, sampleRun))?.events.map((event) => event.type);

const begun = recorded({ type: 'phase-started', phase: 'command' }, 5);

test('gives back what was written, in its order', async () => {
  const state = await temporaryFolder();
  const events = [recorded(started()), begun, recorded(ended({ outcome: 'kept' }), 10)];
  await write(state, events);
  expect((await readRun(state, sampleRun))?.events).toEqual(events);
});

test('is added to by a later process, as guard recover does', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started())]);
  await write(state, [begun]);
  expect(await typesIn(state)).toEqual(['run-started', 'phase-started']);
});

test('events that are called for at once stand one after the other', async () => {
  const state = await temporaryFolder();
  const journal = await open(state);
  const notices = Array.from({ length: 50 }, (_, at) =>
    recorded({ type: 'notice', level: 'info', message: `${at}` }, at),
  );
  await Promise.all(notices.map((notice) => journal.append(notice)));
  await journal.close();
  expect((await readRun(state, sampleRun))?.events).toEqual(notices);
});

test('output and progress are not kept', async () => {
  const state = await temporaryFolder();
  await write(state, [
    recorded({ type: 'command-output', stream: 'stdout', chunk: new Uint8Array([104]) }),
    recorded({ type: 'watch-progress', waitingFor: [], healthyForMs: 1, limitMs: 120_000, soakMs: 10_000 }),
  ]);
  expect(await readFile(fileOf(state), 'utf8')).toBe('');
});

test('a torn last line is passed over by a reader, and does no harm to the lines of the next writers', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started())]);
  await appendFile(fileOf(state), '{"type":"phase-started","phase":"comm');
  expect(await readRun(state, sampleRun)).toMatchObject({ damaged: true, events: [{ type: 'run-started' }] });
  // Both see it.
  const [one, other] = [await open(state), await open(state)];
  await one.append(begun);
  await other.append(recorded(ended({ outcome: 'kept' })));
  await Promise.all([one.close(), other.close()]);
  expect(await typesIn(state)).toEqual(['run-started', 'phase-started', 'run-ended']);
  expect(await readRun(state, sampleRun)).toMatchObject({ damaged: false });
});

test('a line that another process could not finish does no harm to one that had the journal open before', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started())]);
  const journal = await open(state);
  await appendFile(fileOf(state), '{"type":"phase-started","phase":"comm');
  await journal.append(begun);
  await journal.close();
  expect(await typesIn(state)).toEqual(['run-started', 'phase-started']);
  expect(await readRun(state, sampleRun)).toMatchObject({ damaged: false });
});

test('a line that another process is writing while the journal is opened is not lost', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started())]);
  const line = `${JSON.stringify(begun)}\n`;
  await appendFile(fileOf(state), line.slice(0, 20));
  const journal = await open(state);
  await appendFile(fileOf(state), line.slice(20));
  expect(await typesIn(state)).toEqual(['run-started', 'phase-started']);
  await journal.append(recorded(ended({ outcome: 'kept' })));
  await journal.close();
  expect(await typesIn(state)).toEqual(['run-started', 'phase-started', 'run-ended']);
  expect(await readRun(state, sampleRun)).toMatchObject({ damaged: false });
});

const isWhole = (line: string): boolean => {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
};

test('whatever is cut off the end, what stands before it is read', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started()), begun, recorded(ended({ outcome: 'kept' }))]);
  const { length } = await readFile(fileOf(state));
  for (let bytes = length - 1; bytes >= 0; bytes -= 7) {
    await truncate(fileOf(state), bytes);
    const lines = (await readFile(fileOf(state), 'utf8')).split('\n').filter(isWhole);
    expect((await typesIn(state))?.length).toBe(lines.length);
  }
});

test('lines of a later version, unknown events and broken ones are passed over and stay in the file', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started())]);
  const foreign = [
    '{"v":2,"type":"phase-started","phase":"command","at":1}',
    'not json',
    '[]',
    '7',
    '{"v":1,"type":"moon-phase","at":1,"run":"x"}',
  ];
  await appendFile(fileOf(state), foreign.map((line) => `${line}\n`).join(''));
  await write(state, [recorded(ended({ outcome: 'kept' }))]);
  const record = await readRun(state, sampleRun);
  expect(record).toMatchObject({ commandBegan: false, ended: { outcome: { outcome: 'kept' } } });
  expect(await readFile(fileOf(state), 'utf8')).toContain('moon-phase');
});

test('unknown fields of known events do no harm', async () => {
  const state = await temporaryFolder();
  await write(state, [Object.assign({ colour: 'green' }, begun)]);
  expect(await readRun(state, sampleRun)).toMatchObject({ commandBegan: true });
});

test('a large event has a file of its own, and is read as if it stood in the journal', async () => {
  const state = await temporaryFolder();
  const packages = Array.from({ length: 5000 }, (_, number) => ({ name: `package-${number}`, from: '1', to: '2' }));
  const changes = { packages, units: { appeared: [], gone: [] }, sockets: { appeared: [], gone: [] } };
  await write(state, [recorded(started()), recorded({ type: 'changes', changes })]);
  expect((await readFile(fileOf(state))).length).toBeLessThan(2000);
  expect((await readRun(state, sampleRun))?.changes).toEqual(changes);
});

test('a line cannot name a file outside its record', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started())]);
  await writeFile(join(state, 'outside.json'), JSON.stringify(begun));
  await appendFile(fileOf(state), '{"v":1,"type":"phase-started","at":1,"in":"../../outside.json"}\n');
  expect(await typesIn(state)).toEqual(['run-started']);
});

test('the baseline is kept whole, beside the journal', async () => {
  const state = await temporaryFolder();
  const baseline = { checks: [], facts: { units: 'x'.repeat(100_000) } };
  await write(state, [recorded({ type: 'baseline-recorded', baseline })]);
  const record = await readRun(state, sampleRun);
  expect(record && (await readBaseline(record))).toEqual(baseline);
  expect((await readFile(fileOf(state))).length).toBeLessThan(500);
});

test('a file is attached whole, under a plain name only', async () => {
  const state = await temporaryFolder();
  const journal = await open(state);
  const attached = await journal.attach('facts-after.json', '{}');
  expect(attached).toEqual({ ok: true, value: join(journal.directory, 'facts-after.json') });
  for (const name of ['../x', '/etc/x', '.hidden', '', 'a/b', 'a\nb', 'x'.repeat(300)])
    expect(await journal.attach(name, '')).toMatchObject({ ok: false });
  expect((await readdir(journal.directory)).toSorted()).toEqual(['facts-after.json', 'journal.jsonl']);
  await journal.close();
});

test('a record that cannot be made is a failure in words, not an exception', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'runs'), 'a file in the way');
  const journal = await openJournal({ stateDirectory: folder, run: sampleRun });
  expect(journal).toEqual({ ok: false, error: expect.stringContaining('(ENOTDIR)') });
});

test('only a run that has the form of one is read', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started())]);
  expect(await readRun(state, `../runs/${sampleRun}`)).toBeNull();
  expect(await readRun(state, '20261123-055126-none')).toBeNull();
});

test('a pipe in the place of a journal is waited for by nobody', async () => {
  const state = await temporaryFolder();
  await mkdir(join(state, 'runs', sampleRun), { recursive: true });
  await execa('mkfifo', [fileOf(state)]);
  expect(await readRun(state, sampleRun)).toBeNull();
  expect((await openJournal({ stateDirectory: state, run: sampleRun })).ok).toBe(false);
});

test('the end of a run is the one by the guard that finished it, not by one that had lost it', async () => {
  const lost = ended({
    outcome: 'rollback-failed',
    cause: 'inconclusive',
    message: '',
    manualRecovery: [],
    lost: true,
  });
  const finished = ended({ outcome: 'rolled-back', cause: 'inconclusive' });
  for (const ends of [[lost, finished], [finished, lost], [lost]]) {
    const state = await temporaryFolder();
    await write(
      state,
      [started(), ...ends].map((event, at) => recorded(event, at)),
    );
    const outcome = ends.includes(finished) ? 'rolled-back' : 'rollback-failed';
    expect(await readRun(state, sampleRun)).toMatchObject({ ended: { outcome: { outcome } } });
  }
});

test('bytes that nobody can read make a record damaged, and a whole one is not (F12)', async () => {
  const state = await temporaryFolder();
  await write(state, [recorded(started()), begun]);
  expect((await readRun(state, sampleRun))?.damaged).toBe(false);
  await appendFile(fileOf(state), Buffer.from([0, 255, 10, 123, 10]));
  expect(await readRun(state, sampleRun)).toMatchObject({ damaged: true, commandBegan: true });
  // Only the last line can have been torn.
  await appendFile(fileOf(state), '{"type":"pha');
  await write(state, [recorded(ended({ outcome: 'kept' }))]);
  expect(await readRun(state, sampleRun)).toMatchObject({ damaged: true });
});
