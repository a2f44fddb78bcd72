import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readBaseline, readRun, type RunRecord } from '../../src/journal/runs.ts';
import { sampleRun } from './samples.ts';
import { temporaryFolder } from './temporary.ts';

// Journals that guard wrote on a real Incus. What is in v1/ must be read for ever: add folders, never change one.
const fixtures = join(import.meta.dirname, 'fixtures/v1');

const replay = async (name: string): Promise<RunRecord> => {
  const state = await temporaryFolder();
  await mkdir(join(state, 'runs'));
  await cp(join(fixtures, name), join(state, 'runs', sampleRun), { recursive: true });
  const record = await readRun(state, sampleRun);
  if (record === null) throw new Error(`${name} cannot be read`);
  return record;
};

/** What recovery and the reports live on. */
const gist = (record: RunRecord) => ({
  instance: record.started?.instance,
  restorePoint: record.restorePoint?.name,
  phases: record.phases.map(({ phase, ended }) => (ended ? `${phase} ${ended.ok ? 'ok' : 'failed'}` : `${phase} …`)),
  commandEnd: record.commandEnded?.end,
  verdict: record.verdict?.verdict.verdict,
  verdictAgain: record.verdictAgain?.verdict.verdict,
  decision: record.decided?.decision,
  released: record.released && record.released.restorePoint,
  outcome: record.ended?.outcome,
});

describe('version 1', async () => {
  test.each(await readdir(fixtures))('%s', async (name) => {
    expect(gist(await replay(name))).toMatchSnapshot();
  });

  test('the baseline of a run can be compared with later', async () => {
    const baseline = await readBaseline(await replay('kept'));
    expect(baseline).toMatchObject({
      facts: { v: 1, init: { name: 'systemd' } },
      definitions: [{ kind: 'exec', name: 'test -e /etc/hostname' }],
      checks: [{ status: 'passed' }],
    });
  });

  test('every line of the journals is an event that is read', async () => {
    for (const name of await readdir(fixtures)) {
      const { phases, events } = await replay(name);
      expect(events.length).toBeGreaterThan(3);
      expect(phases.length).toBeGreaterThan(0);
      expect(events[0]).toMatchObject({ type: 'run-started', holder: { pid: expect.any(Number) } });
    }
  });
});
