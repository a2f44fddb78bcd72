import type { Outcome } from '../../../src/event.ts';
import type { RunRecord } from '../../../src/journal/runs.ts';
import type { NotedWait } from '../../../src/journal/waiting-runs.ts';
import type { Plan } from '../../../src/run/plan.ts';
import { knownWaitOf } from '../../../src/run/confirmation/known-wait.ts';
import { expireWaiting } from '../../../src/run/confirmation/waiting.ts';
import { recoverInstance as recover, type RecoveryTools } from '../../../src/run/recovery/recover-instance.ts';
import { busy, refused } from '../../../src/run/refusal.ts';
import { baselineOf, recordOf, recorderOf, type Guard, type World } from './world.ts';

/** What `guard recover` ended in; null where there was nothing to do. */
export type Recovered = Outcome | null;

/** `guard recover web`. `known`: the run that this host has a record or, with `noted`, a note of. */
export async function recoverInstance(
  world: World,
  guard: Guard,
  plan: Plan,
  known: string | null,
  takeOver = false,
  noted: NotedWait | null = null,
): Promise<Recovered> {
  const tools = recoveryTools(world, guard, known, noted);
  const wait = await expireWaiting(tools, plan.instance);
  if (wait.kind === 'waits') return busy('It waits for a confirmation.', '');
  if (wait.kind === 'unknown') return wait.outcome;
  if (wait.kind === 'unsettled') return refused('It cannot be settled.', '');
  const record = known === null ? null : unfinished(recordOf(world, known));
  const end = await recover({ plan, known: record, keepIfHealthy: false, takeOver }, tools);
  switch (end.kind) {
    case 'waits':
      return busy('It waits for a confirmation.', '');
    case 'nothing-left':
      return null;
    case 'refused':
    case 'finished':
      return end.outcome;
  }
}

/** The records of this host are those of the world, if it has the run that is known here. */
export function recoveryTools(
  world: World,
  { tools, process }: Guard,
  known: string | null,
  noted: NotedWait | null = null,
): RecoveryTools {
  return {
    ...tools,
    readClocks: tools.confirmation.readClocks,
    waits: {
      runsOn: async () => (known === null ? [] : [known]),
      knownOf: async (run, { uuid }) => {
        if (run !== known) return null;
        const record = recordOf(world, run);
        const isElsewhere = record?.started?.uuid !== undefined && record.started.uuid !== uuid;
        return isElsewhere ? 'elsewhere' : knownWaitOf(run, record, noted, 120_000);
      },
    },
    recordRename: async (run) => (run === known ? unfinished(recordOf(world, run)) : null),
    readRecord: async (run) => (run === known ? unfinished(recordOf(world, run)) : null),
    readBaseline: async (record) => baselineOf(record),
    unfinishedRuns: async () => [],
    recorderOf: async (run) => recorderOf(world, run, process),
    report: async () => {},
  };
}

/** A run that has ended, and released what it held, is not recovered. */
function unfinished(record: RunRecord | null): RunRecord | null {
  const isDone = record?.ended != null && (record.restorePoint === null || record.released !== null);
  return isDone ? null : record;
}
