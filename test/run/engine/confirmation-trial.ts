import { remainingMs } from '../../../src/deadline.ts';
import type { Outcome } from '../../../src/event.ts';
import type { Fault, MemoryRequest } from '../../../src/platform/memory/requests.ts';
import { ok } from '../../../src/result.ts';
import type { ConfirmationAction } from '../../../src/run/lock/confirmation.ts';
import { describeWaitProblem, knownWaitOf, type WaitProblem } from '../../../src/run/confirmation/known-wait.ts';
import { keepDeadline } from '../../../src/run/confirmation/keep-deadline.ts';
import { awaitOtherGuard, type OtherGuardTools } from '../../../src/run/confirmation/other-guard.ts';
import { settleOnInstance } from '../../../src/run/confirmation/settlement.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { readMarker } from '../../../src/run/lock/marker.ts';
import type { RunTools } from '../../../src/run/tools.ts';
import { recoverInstance } from './recovery.ts';
import {
  createWorld,
  instanceName,
  planOf,
  recordOf,
  recorderOf,
  startGuard,
  versionOf,
  type Guard,
  type World,
} from './world.ts';

/** What somebody does about the change while it waits, and what is to come of it where nothing goes wrong. */
export interface Story {
  readonly name: string;
  /** The guard that made the change ends at once and lets it wait. */
  readonly detach: boolean;
  /** In order, each by a process of its own, milliseconds after the wait began. */
  readonly acts: readonly { readonly action: ConfirmationAction; readonly afterMs: number; readonly host: string }[];
  /** What somebody else does to the instance on the server while the change waits. */
  readonly meddling?: { readonly meddle: (world: World) => void; readonly afterMs: number };
  readonly version: 'v1' | 'v2';
}

/** Whose requests go wrong: the guard's that made the change, a keeper's, or those of one of the acts. */
export type Victim = 'maker' | 'keeper' | 'actor';

/** What befalls one request of the victim, counted from the moment at which the change waits. */
export interface Mishap {
  readonly victim: Victim;
  readonly fault: Fault;
  readonly at: number;
}

/** How a trial ended; `violations` are sentences. */
export interface TrialEnd {
  readonly version: string;
  readonly requests: Readonly<Record<Victim, number>>;
  readonly violations: readonly string[];
  /** What the record says of its end. */
  readonly recorded: Outcome | null;
  /** How long after the first deadline the run ended, in milliseconds. */
  readonly lateMs: number | null;
  /** The warnings in the record. */
  readonly warnings: readonly string[];
}

const run = '20270101-000000-cccc';
const confirmMs = 60_000;

/** How soon an init starts an agent again that was killed, in milliseconds. */
const restartMs = 3000;

/** Long enough for every limit that a guard may wait for. */
const patienceMs = 900_000;

/** Makes a change that waits, lets the story happen with its mishap, and looks at what is left. */
export async function tryConfirmation(story: Story, mishap: Mishap | null): Promise<TrialEnd> {
  const world = createWorld();
  const trial = { world, mishap, waits: false, keeperDied: false, requests: { maker: 0, keeper: 0, actor: 0 } };
  const outcomes: { readonly by: string; readonly outcome: Outcome | null }[] = [];
  const bugs: unknown[] = [];
  const begin = (work: Promise<unknown>): void => void work.catch((bug: unknown) => bugs.push(bug));
  const plan = planOf('good', run, { confirmation: { ms: confirmMs, by: null, detach: story.detach } });

  const maker = startGuard(world, { run, faultOf: faultsOf(trial, 'maker') });
  const tools = { ...maker.tools, confirmation: confirmationOf(trial, maker) };
  begin(
    (async () => {
      outcomes.push({ by: 'the guard', outcome: await guardedRun(plan, tools) });
      world.dead.add(maker.tools.holder.pid);
    })(),
  );
  begin(keepAlways(trial));
  const { clock } = world.time.startProcess();
  begin(
    (async () => {
      while (!trial.waits) await clock.sleep(100);
      for (const { action, afterMs, host } of story.acts)
        begin(clock.sleep(afterMs).then(() => act(trial, action, host)));
      const { meddling } = story;
      if (meddling !== undefined) begin(clock.sleep(meddling.afterMs).then(() => meddling.meddle(world)));
    })(),
  );
  await world.time.pass(patienceMs);
  return {
    version: versionOf(world),
    requests: trial.requests,
    violations: [...bugs.map((bug) => `a fault of guard's own: ${String(bug)}`), ...violationsOf(world, outcomes)],
    ...recordedEnd(world),
  };
}

function recordedEnd(world: World): Pick<TrialEnd, 'recorded' | 'lateMs' | 'warnings'> {
  const events = world.journal.get(run) ?? [];
  const requested = events.find((event) => event.type === 'confirmation-requested');
  const ended = recordOf(world, run)?.ended ?? null;
  return {
    recorded: ended?.outcome ?? null,
    lateMs: ended === null || requested === undefined ? null : ended.at - requested.deadline.at,
    warnings: events.flatMap((event) => (event.type === 'notice' && event.level === 'warning' ? [event.message] : [])),
  };
}

interface Trial {
  readonly world: World;
  readonly mishap: Mishap | null;
  /** The run is noted: somebody keeps its deadline. */
  waits: boolean;
  readonly requests: Record<Victim, number>;
}

function faultsOf(trial: Trial, victim: Victim): (request: MemoryRequest) => Fault | null {
  return () => {
    const { mishap } = trial;
    // What befalls a run before it waits is another test's.
    if (!trial.waits) return null;
    const index = trial.requests[victim];
    trial.requests[victim] += 1;
    return mishap?.victim === victim && mishap.at === index ? mishap.fault : null;
  };
}

function confirmationOf(trial: Trial, { tools, platform }: Guard): RunTools['confirmation'] {
  return {
    ...tools.confirmation,
    arm: async () => {
      trial.waits = true;
      return ok(undefined);
    },
    outcomeOf: async () => {
      for (let tries = 0; tries < 240; tries += 1) {
        const ended = recordOf(trial.world, run)?.ended ?? null;
        if (ended !== null && ended.outcome.outcome !== 'waiting') return ended.outcome;
        const seen = await platform.getInstance(instanceName);
        const marker = seen.ok ? readMarker(seen.value) : null;
        const waiting = marker?.confirmation?.state === 'waiting' ? marker.confirmation.deadline : null;
        if (waiting !== null && remainingMs(waiting, tools.confirmation.readClocks()) > 0)
          return { outcome: 'waiting', deadline: waiting.at };
        await tools.clock.sleep(500);
      }
      return null;
    },
  };
}

/** An agent, which is started again when it is killed. */
async function keepAlways(trial: Trial): Promise<void> {
  const { world } = trial;
  const { clock } = world.time.startProcess();
  for (;;) {
    const keeper = startGuard(world, { run, faultOf: faultsOf(trial, 'keeper') });
    const killed = new Promise<'killed'>((resolve) => keeper.process.onKill(() => resolve('killed')));
    if ((await Promise.race([keep(trial, keeper).then(() => 'done' as const), killed])) === 'done') return;
    await clock.sleep(restartMs);
  }
}

const noDeadline = { at: 0, bootId: '', sinceBootMs: 0 };

/** As src/cli/confirmation-keeper.ts does it. */
async function keep(trial: Trial, keeper: Guard): Promise<void> {
  const { world } = trial;
  const { clock, confirmation, inspectHolder } = keeper.tools;
  let freed = false;
  let told: WaitProblem | null = null;
  for (;;) {
    await clock.sleep(500);
    if (!trial.waits) continue;
    const record = recordOf(world, run);
    if (record === null || hasEnded(world)) return;
    const { started, ended, confirmationDeadline } = record;
    const isHeld = started !== null && ended === null && inspectHolder(started.holder) === 'alive';
    const left = confirmationDeadline === null ? 0 : remainingMs(confirmationDeadline, confirmation.readClocks());
    if (isHeld && left > -10_000) continue;
    const known = knownWaitOf(run, record, null, 120_000);
    const kept = await keepDeadline(settlingTools(world, keeper), instanceName, run, known);
    const { step } = kept;
    const problem = kept.step === 'wait' ? kept.problem : null;
    if (problem !== null && problem !== told) {
      const subject = { run, instance: instanceName, deadline: known?.deadline ?? noDeadline };
      const recorder = recorderOf(world, run, keeper.process);
      await recorder.resume();
      await recorder.record({ type: 'notice', level: 'warning', message: describeWaitProblem(problem, subject) });
    }
    told = problem;
    if (step === 'wait' || step === 'look-again') {
      await clock.sleep(2000);
      continue;
    }
    if (hasEnded(world)) return;
    if (step === 'finished' && !freed) {
      freed = true;
      continue;
    }
    await recoverInstance(world, keeper, planOf('good', run), run, true);
    await clock.sleep(2000);
  }
}

function hasEnded(world: World): boolean {
  const record = recordOf(world, run);
  return record?.ended != null && record.ended.outcome.outcome !== 'waiting' && record.released !== null;
}

function settlingTools(world: World, { tools }: Guard): OtherGuardTools & Parameters<typeof keepDeadline>[0] {
  return { ...tools, readClocks: tools.confirmation.readClocks, readRecord: async () => recordOf(world, run) };
}

/** `guard confirm`, its `--extend`, and `guard rollback`, as src/cli/settle-waiting.ts does them. Another host has other records. */
async function act(trial: Trial, action: ConfirmationAction, host: string): Promise<void> {
  const world: World = host === 'here' ? trial.world : { ...trial.world, journal: new Map() };
  const actor = startGuard(trial.world, { run, host, faultOf: faultsOf(trial, 'actor') });
  const tools = settlingTools(world, actor);
  const known = host === 'here' ? knownWaitOf(run, recordOf(world, run), null, 120_000) : null;
  const settled = await settleOnInstance(tools, instanceName, run, action, { known });
  if (!settled.ok || action.kind === 'extend') return;
  if ((await awaitOtherGuard(tools, instanceName, run, known?.createdAt ?? null)) === 'silent')
    await recoverInstance(world, actor, planOf('good', run), host === 'here' ? run : null, true);
  trial.world.dead.add(actor.tools.holder.pid);
}

/** Never both, never neither, and no report that says anything else than what is. */
function violationsOf(
  world: World,
  outcomes: readonly { readonly by: string; readonly outcome: Outcome | null }[],
): string[] {
  const { instance } = world;
  const version = versionOf(world);
  const violations: string[] = [];
  if (version !== 'v1' && version !== 'v2') violations.push(`the instance is at ${version}`);
  if (instance.status !== 'Running') violations.push(`the instance is ${instance.status}`);
  if (instance.snapshots.some(({ name }) => name === 'guard-in-flight')) violations.push('the instance is still held');
  if (instance.metadata['run'] !== undefined && instance.metadata['run'] !== '')
    violations.push('the marker is still there');
  const recorded = recordOf(world, run)?.ended?.outcome.outcome ?? 'nothing';
  if (recorded !== (version === 'v2' ? 'kept' : 'rolled-back'))
    violations.push(`the instance is at ${version}, and the record says ${recorded}`);
  for (const { by, outcome } of outcomes) {
    const said = outcome?.outcome ?? 'nothing';
    const isTrue = said === 'waiting' || said === (version === 'v2' ? 'kept' : 'rolled-back');
    if (!isTrue) violations.push(`the instance is at ${version}, and ${by} says ${said}`);
  }
  const settled = new Set(
    (world.journal.get(run) ?? []).flatMap((event) => (event.type === 'confirmation-settled' ? [event.state] : [])),
  );
  if (settled.size > 1) violations.push(`the record says ${[...settled].join(' and ')}`);
  return violations;
}
