import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AgentEvent } from '../../src/agent-event.ts';
import { keepDeadlines } from '../../src/cli/confirmation-keeper.ts';
import { systemClock } from '../../src/clock.ts';
import { deadlineAfter } from '../../src/deadline.ts';
import { readClocks } from '../../src/journal/boot-clock.ts';
import { journalFile } from '../../src/journal/record-files.ts';
import { runDirectory } from '../../src/journal/state-directory.ts';
import { listWaiting, noteWaiting } from '../../src/journal/waiting-runs.ts';
import { addInstance } from '../../src/platform/memory/server.ts';
import { createHost, type MemoryHost } from './memory-host.ts';

const run = '20261123-070945-z8mf';

let host: MemoryHost;
let state: string;

beforeEach(async () => {
  host = await createHost();
  state = host.stateDirectory;
});

const note = (leftMs: number) =>
  noteWaiting(state, run, {
    instance: 'web01',
    project: 'default',
    remote: null,
    config: null,
    workingDirectory: state,
    deadline: deadlineAfter(readClocks(systemClock.now), leftMs),
    uuid: host.server.instances.get('web01')?.uuid ?? 'u-deleted',
    createdAt: null,
  });

/** Keeps deadlines for this many rounds, or until nothing is left to wait for, in each of which all pauses end. Returns how many there were, and what was emitted. */
const keep = async (
  rounds: number,
  only: string | null,
  onRound: (round: number) => Promise<void> = async () => {},
) => {
  const over = new AbortController();
  const events: AgentEvent[] = [];
  let round = 0;
  let skipped = 0;
  const clock = {
    ...systemClock,
    monotonic: () => systemClock.monotonic() + skipped,
    sleep: async (ms: number) => {
      await systemClock.sleep(5);
      if (ms !== 500) return;
      round += 1;
      skipped += 600_000;
      await onRound(round);
      if (round >= rounds || listWaiting(state)?.length === 0) over.abort();
    },
  };
  const emit = (event: AgentEvent): void => void events.push(event);
  await keepDeadlines({ ...host.context, clock }, { only, signal: over.signal, emit });
  return { round, events };
};

const waitingFolder = (): string => join(state, 'waiting');
/** A record that is there and cannot be read. */
const makeUnreadable = () => mkdir(join(runDirectory(state, run), journalFile), { recursive: true });

describe('a folder of notes that cannot be read', () => {
  test('is not an empty one', async () => {
    expect(listWaiting(state)).toEqual([]);
    await writeFile(waitingFolder(), 'no folder');
    expect(listWaiting(state)).toBeNull();
  });

  test('does not end the keeper of one run, and is said once', async () => {
    await writeFile(waitingFolder(), 'no folder');
    const { round, events } = await keep(5, run);
    expect(round).toBe(5);
    expect(events).toMatchObject([{ type: 'agent-warning', message: expect.stringContaining('cannot be read') }]);
    await rm(waitingFolder());
    expect((await keep(5, run)).round).toBe(0);
  });

  test('does not make the agent forget a run', async () => {
    addInstance(host.server, 'web01');
    await note(600_000);
    await makeUnreadable();
    const { events } = await keep(60, null, async (round) => {
      if (round !== 40) return;
      await rename(waitingFolder(), join(state, 'elsewhere'));
      await writeFile(waitingFolder(), 'no folder');
    });
    expect(events.map(({ type }) => type)).not.toContain('confirmation-ended');
    await rm(waitingFolder());
    await rename(join(state, 'elsewhere'), waitingFolder());
    expect(listWaiting(state)).toEqual([run]);
  });
});

describe.each([
  ['of which nothing is left on its instance', true],
  ['whose instance was deleted', false],
])('after its deadline, a run %s', (_, hasInstance) => {
  beforeEach(async () => {
    if (hasInstance) addInstance(host.server, 'web01');
    await note(-60_000);
  });

  test('is kept while its record cannot be read', async () => {
    await makeUnreadable();
    await keep(60, null);
    expect(listWaiting(state)).toEqual([run]);
  });

  test('is forgotten if it has no record', async () => {
    await mkdir(dirname(runDirectory(state, run)), { recursive: true });
    await keep(Infinity, null);
    expect(listWaiting(state)).toEqual([]);
  });
});
