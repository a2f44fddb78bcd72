import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/event.ts';
import { failedChanges } from '../../src/journal/history.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { runDirectory } from '../../src/journal/state-directory.ts';
import { ended, identity, recorded, sampleRun, started } from './samples.ts';
import { temporaryFolder } from './temporary.ts';

let state: string;

beforeEach(async () => {
  state = await temporaryFolder();
});

const command = ['apt-get', 'upgrade'];
const address = identity();
const rolledBack: Outcome = { outcome: 'rolled-back', cause: 'unhealthy' };
const idOf = (number: number): string => `20261123-0551${String(number).padStart(2, '0')}-aaaa`;

const journalOf = async (run: string) => {
  const journal = await openJournal({ stateDirectory: state, run });
  if (!journal.ok) throw new Error(journal.error);
  return journal.value;
};

/** Run number `number`, with what it remembered, if anything. */
const record = async (
  number: number,
  outcome: Outcome,
  fingerprint: string | null,
  what: { instance?: string; command?: readonly string[] } = {},
): Promise<void> => {
  const run = idOf(number);
  const journal = await journalOf(run);
  await journal.append(recorded(started(what.instance ?? 'web01', what.command ?? command), number * 1000, run));
  if (fingerprint !== null)
    await journal.append(recorded({ type: 'change-fingerprinted', fingerprint }, number * 1000, run));
  await journal.append(recorded(ended(outcome), number * 1000, run));
  await journal.close();
};

const failed = async (): Promise<string[]> =>
  (await failedChanges(state, address, command)).map(({ fingerprint }) => fingerprint);

describe('changes that were rolled back (F37)', () => {
  test('are told newest first, of this instance and this command alone', async () => {
    await record(1, rolledBack, 'first');
    await record(2, rolledBack, 'second');
    await record(3, rolledBack, 'other command', { command: ['true'] });
    await record(4, rolledBack, 'other instance', { instance: 'db01' });
    expect(await failed()).toEqual(['second', 'first']);
  });

  test('are forgotten when the command was kept once', async () => {
    await record(1, rolledBack, 'before');
    await record(2, { outcome: 'kept' }, null);
    expect(await failed()).toEqual([]);
    await record(3, rolledBack, 'after');
    expect(await failed()).toEqual(['after']);
  });

  test('include those that failed on a copy, until a later copy survives the command', async () => {
    await record(1, rolledBack, 'on the instance');
    await record(2, { outcome: 'rehearsal-failed', cause: 'unhealthy', stage: 'restart' }, 'on a copy');
    expect(await failedChanges(state, address, command)).toMatchObject([
      { fingerprint: 'on a copy', rehearsed: true },
      { fingerprint: 'on the instance', rehearsed: false },
    ]);
    await record(3, { outcome: 'rehearsal-passed' }, null);
    expect(await failed()).toEqual(['on the instance']);
    await record(4, { outcome: 'rehearsal-failed', cause: 'command', stage: 'change' }, 'on a later copy');
    expect(await failed()).toEqual(['on a later copy', 'on the instance']);
  });

  test('are not forgotten by a refusal, an interruption, or a change that was kept although it failed', async () => {
    const refusal = { message: 'No.', advice: '' };
    await record(1, rolledBack, 'tried');
    await record(2, { outcome: 'quarantined', refusal }, null);
    await record(3, { outcome: 'interrupted', signal: 'SIGINT' }, null);
    await record(4, { outcome: 'kept-unhealthy', cause: 'unhealthy' }, null);
    expect(await failed()).toEqual(['tried']);
  });

  test('count only where it is known what they would have changed', async () => {
    await record(1, rolledBack, null);
    expect(await failed()).toEqual([]);
  });
});

describe('a file of evidence', () => {
  test('is kept in a folder of its own in the record, byte by byte, for its owner only', async () => {
    const journal = await journalOf(sampleRun);
    const content = Buffer.from([0x00, 0x1b, 0xff]);
    const saved = await journal.saveEvidence('command-output.txt', content);
    await journal.close();
    const path = join(runDirectory(state, sampleRun), 'evidence', 'command-output.txt');
    expect(saved).toEqual({ ok: true, value: path });
    expect(await readFile(path)).toEqual(content);
    expect((await stat(path)).mode & 0o077).toBe(0);
  });

  test.each(['../journal.jsonl', 'a/b', '', '.hidden'])('is not written under the name %j', async (name) => {
    const journal = await journalOf(sampleRun);
    expect(await journal.saveEvidence(name, 'x')).toMatchObject({ ok: false });
    await journal.close();
  });
});
