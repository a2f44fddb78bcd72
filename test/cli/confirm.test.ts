import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import { deadlineAfter, type Deadline } from '../../src/deadline.ts';
import type { Holder } from '../../src/event.ts';
import { readClocks } from '../../src/journal/boot-clock.ts';
import { currentHolder } from '../../src/journal/holder.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { readRun } from '../../src/journal/runs.ts';
import { runDirectory } from '../../src/journal/state-directory.ts';
import { noteWaiting, readWaitingNote } from '../../src/journal/waiting-runs.ts';
import { createHost, gone, interruptedRun, type MemoryHost } from './memory-host.ts';

const run = '20270101-000000-aaaa';
const hour = 3_600_000;

/** A change of `web` that waits for an hour. `holder`: the process that made it. */
async function waitingHost(holder: Holder): Promise<MemoryHost & { readonly deadline: Deadline }> {
  const host = await createHost();
  const { stateDirectory, server } = host;
  await interruptedRun(host, 'web', run, holder);
  const deadline = deadlineAfter(readClocks(systemClock.now), hour);
  const subject = server.instances.get('web');
  if (subject === undefined) throw new Error('There is no instance.');
  const marker = JSON.parse(subject.metadata['run'] ?? '') as object;
  subject.metadata = { run: JSON.stringify({ ...marker, confirmation: { state: 'waiting', deadline } }) };
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) throw new Error(journal.error);
  const requested = {
    type: 'confirmation-requested',
    deadline,
    by: null,
    retention: { keep: 3, expiresMs: null },
  } as const;
  await journal.value.append({ ...requested, v: 1, run, at: 0 });
  await journal.value.close();
  const place = { instance: 'web', project: 'default', remote: null, uuid: subject.uuid };
  const settings = { config: null, workingDirectory: stateDirectory };
  const createdAt = subject.snapshots[0]?.createdAt ?? null;
  await noteWaiting(stateDirectory, run, { ...place, ...settings, deadline, createdAt });
  return { ...host, deadline };
}

describe('guard confirm --extend', () => {
  test.each([
    ['lives, and may be stopped', currentHolder()],
    ['is dead', gone],
  ])('moves the deadline of the record and of the note where the guard of the run %s', async (_what, holder) => {
    const { context, stateDirectory, deadline } = await waitingHost(holder);
    expect(await runProgram(['confirm', run, '--extend', '1m'], context)).toBe(0);
    const recorded = (await readRun(stateDirectory, run))?.confirmationDeadline ?? null;
    expect(recorded?.at).toBeLessThan(deadline.at);
    expect(readWaitingNote(stateDirectory, run)?.deadline).toEqual(recorded);
  });
});

describe('guard confirm without the record of the run', () => {
  test.each([
    ['there', (host: MemoryHost) => host],
    ['gone', (host: MemoryHost) => Object.assign(host.server.instances.get('web') ?? {}, { metadata: { run: '' } })],
  ])('extends the change by its note where the marker is %s', async (_what, meddle) => {
    const host = await waitingHost(gone);
    const { context, stateDirectory, deadline } = host;
    await rm(runDirectory(stateDirectory, run), { recursive: true });
    meddle(host);
    expect(await runProgram(['confirm', run, '--extend', '1m'], context)).toBe(0);
    expect(readWaitingNote(stateDirectory, run)?.deadline?.at).toBeLessThan(deadline.at);
  });
});
