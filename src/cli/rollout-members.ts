import type { Configuration } from '../config/configuration.ts';
import type { Settings } from '../config/settings.ts';
import type { Listener, Outcome } from '../event.ts';
import type { Permission } from '../permission.ts';
import { inspectHolder } from '../journal/holder.ts';
import { newRunId } from '../journal/run-id.ts';
import type { WaveGate } from '../rollout/wave-gate.ts';
import type { RolloutView } from '../report/rollout-situation.ts';
import { noFacts, withEvent } from '../report/run-facts.ts';
import { describeMemberEnd } from '../report/rollout-text.ts';
import { writeLines } from '../report/write.ts';
import { ok, type Result } from '../result.ts';
import type { MemberResult } from '../rollout/execute.ts';
import type { MemberRecord, RolloutRecord } from '../rollout/record.ts';
import { guardedRun } from '../run/guarded-run.ts';
import { inspect } from '../run/inspect.ts';
import type { Inspection } from '../run/prepared-run.ts';
import type { RunPlan } from '../run/changes/change.ts';
import { rollbackChange } from '../run/changes/rollback.ts';
import type { PushPlan } from '../run/plan.ts';
import type { InstanceAddress } from '../instance-address.ts';
import { buildPlan } from './build-plan.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { configuredRollout, settingsWith } from './resolve-settings.ts';
import { rollbackTargetOf } from './rollback-target.ts';
import type { RolloutOptions } from './rollout-options.ts';
import type { Servers } from './rollout-servers.ts';
import { createRunNotifier, notifyWaitAndEnd } from './run-notifier.ts';
import { runTools } from './run-tools.ts';

/** What all runs of one rollout have in common. */
export interface RolloutCall {
  readonly context: Context;
  readonly servers: Servers;
  readonly configuration: Configuration;
  readonly options: RolloutOptions;
  readonly words: readonly [string, ...string[]];
  readonly pushes: readonly PushPlan[];
}

/** The connection to an instance: all of one project share it. */
function connectionTo({ servers }: RolloutCall, member: InstanceAddress) {
  return { ...servers.of(member).connection, instance: member.name };
}

export function memberSettings(
  call: Pick<RolloutCall, 'configuration' | 'options'>,
  { name, remote }: InstanceAddress,
): Result<Settings, Outcome> {
  const settings = settingsWith(call.configuration, { name, remote }, call.options, false);
  const { allOrNothing } = configuredRollout(call);
  // All or nothing goes back to the newest restore point of each instance.
  return settings.ok && allOrNothing ? ok({ ...settings.value, keep: Math.max(1, settings.value.keep) }) : settings;
}

function planOf(call: RolloutCall, member: InstanceAddress, run: string, settings: Settings): RunPlan {
  const { context, options, words, pushes } = call;
  return buildPlan({
    run,
    version: context.version,
    reached: connectionTo(call, member),
    words,
    settings,
    name: options.name ?? null,
    pushes,
    obeyQuarantine: options.retry !== true,
    keepFailed: options.keepFailed ?? false,
    detach: options.detach ?? false,
  });
}

/** Whether a run on this instance would start, as far as can be seen. Changes nothing. */
export async function inspectMember(call: RolloutCall, member: InstanceAddress): Promise<Result<Inspection, Outcome>> {
  const settings = memberSettings(call, member);
  if (!settings.ok) return settings;
  const plan = planOf(call, member, newRunId(call.context.clock.now()), settings.value);
  return inspect(plan, { platform: connectionTo(call, member).platform, inspectHolder });
}

/** With --rehearse the first instance is rehearsed before any is touched. The exit status where it does not pass; else null. */
export async function rehearseCanary(call: RolloutCall, { members }: RolloutRecord): Promise<number | null> {
  const { context, options } = call;
  const [canary] = members;
  const settings = canary === undefined ? null : memberSettings(call, canary);
  if (canary === undefined || settings?.ok !== true || settings.value.rehearse === false) return null;
  const { rehearseFirst } = await import('./rehearsal.ts');
  const plan = planOf(call, canary, newRunId(context.clock.now()), settings.value);
  const session = { reached: { ...connectionTo(call, canary), close: async () => {} }, settings: settings.value };
  const io = { terminal: null, stdin: null, stdout: context.stdout, stderr: context.stderr, begin: () => () => {} };
  const rehearsed = await rehearseFirst(context, {
    plan,
    io,
    session,
    options,
    instance: canary.label,
    // The rollout gives its runs their ids when they begin.
    before: null,
    isCompared: true,
  });
  if (typeof rehearsed === 'number') return rehearsed;
  if (options.json !== true && options.quiet !== true)
    await writeLines(
      context.stderr,
      rehearsed.before.map(({ message }) => `guard: ${message}`),
    );
  return null;
}

/** What a run has to do with the rollout that it is of. */
interface RolloutPart {
  readonly rollout: string;
  readonly permission: Permission;
  /** When its change waits for its confirmation, and who is told; null for one that is rolled back. */
  readonly wait: { readonly gate: WaveGate; readonly onWaiting: (deadline: number) => Promise<void> } | null;
}

/** The guarded run on one instance of a rollout. */
export async function runMember(
  call: RolloutCall,
  view: RolloutView,
  member: MemberRecord,
  run: string,
  part: RolloutPart,
): Promise<MemberResult> {
  const settings = memberSettings(call, member);
  if (!settings.ok) return { outcome: settings.error, message: describeMemberEnd(settings.error, noFacts(run)) };
  const plan = { ...planOf(call, member, run, settings.value), rollout: part.rollout };
  return runPlanOf(call, view, member, plan, settings.value, part);
}

/** Rolls back the change that this rollout kept on an instance. */
export async function revertMember(
  call: RolloutCall,
  view: RolloutView,
  member: MemberRecord,
  run: string,
  part: RolloutPart,
): Promise<MemberResult> {
  const settings = memberSettings(call, member);
  if (!settings.ok) return { outcome: settings.error, message: describeMemberEnd(settings.error, noFacts(run)) };
  const reached = connectionTo(call, member);
  const target = await rollbackTargetOf(stateDirectoryOf(call.context), reached, member.run ?? '');
  if (!target.ok) return { outcome: target.error, message: describeMemberEnd(target.error, noFacts(run)) };
  const plan: RunPlan = {
    ...planOf(call, member, run, settings.value),
    rollout: part.rollout,
    restorePoint: { ...planOf(call, member, run, settings.value).restorePoint, name: `guard-${run}`, named: false },
    change: rollbackChange(target.value),
    confirmation: null,
    pushes: [],
    allowUnhealthy: true,
    obeyQuarantine: false,
    stopFirst: false,
  };
  return runPlanOf(call, view, member, plan, settings.value, part);
}

async function runPlanOf(
  call: RolloutCall,
  view: RolloutView,
  member: MemberRecord,
  plan: RunPlan,
  settings: Settings,
  { permission, wait }: RolloutPart,
): Promise<MemberResult> {
  const { context } = call;
  const notices = notifyWaitAndEnd(createRunNotifier(context, plan), settings.notify);
  const output = view.memberOutput(member);
  const show = view.memberListener(member);
  const report = await context.reports?.follow({ instance: member.label, command: plan.command.words });
  let facts = noFacts(plan.run);
  const listener: Listener = async (event) => {
    facts = withEvent(facts, event);
    notices.onEvent(event);
    void context.trace?.listener(event);
    await show(event);
    await report?.(event);
    if (event.type === 'confirmation-requested' || event.type === 'confirmation-extended')
      await wait?.onWaiting(event.deadline.at);
  };
  const own = runTools(context, {
    plan,
    io: { terminal: null, stdin: null, stdout: output.stdout, stderr: output.stderr, begin: () => () => {} },
    reached: connectionTo(call, member),
    interruption: context.interrupter,
    listener,
    person: null,
    config: call.options.config,
    permission,
  });
  const ready = (signal: AbortSignal): Promise<void> => wait?.gate.arrive(member.id, signal) ?? Promise.resolve();
  const tools = { ...own, confirmation: { ...own.confirmation, ready } };
  try {
    const outcome = await guardedRun(plan, tools);
    for (const message of await notices.end(outcome)) view.tell(`${member.label}: ${message}`);
    return { outcome, message: describeMemberEnd(outcome, facts) };
  } finally {
    wait?.gate.leave(member.id);
    output.end();
    await tools.recorder.close();
  }
}
