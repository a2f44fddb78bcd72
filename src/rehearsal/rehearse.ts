import { randomUUID } from 'node:crypto';
import type { Changes, Finding, Outcome, RehearsalCopy, RehearsalReport, RehearsalStage, RunStarted } from '../event.ts';
import { takeBaseline, type Baseline } from '../health/baseline.ts';
import { changesBetween } from '../health/changes.ts';
import type { IncusFailure } from '../incus/failure.ts';
import { getInstance, getInstanceState } from '../incus/instance.ts';
import { createRehearsalCopy, getServerMemory } from '../incus/rehearsal/copy.ts';
import { planCopy, proxyPort, type CopyPlan } from '../incus/rehearsal/copy-plan.ts';
import { ensureRehearsalPlace, inProject, type RehearsalPlace } from '../incus/rehearsal/place.ts';
import { err, ok, type Result } from '../result.ts';
import { attemptCommand, type AttemptSubject, type WholeAttempt } from '../run/attempt.ts';
import { establishBaseline } from '../run/baseline.ts';
import { decide } from '../run/decision.ts';
import { inspect, type Inspected } from '../run/inspect.ts';
import { previewPackages, type PackagePreview } from '../run/packages/preview.ts';
import type { Plan } from '../run/plan.ts';
import { bringUp, restart } from '../run/power.ts';
import { refuseRepeat, rememberChange } from '../run/quarantine.ts';
import { inPhase, type Recorder } from '../run/recorder.ts';
import { refused } from '../run/refusal.ts';
import { bytesOf, sayPause } from '../run/restore-point/room.ts';
import type { RunTools } from '../run/tools.ts';
import { verify } from '../run/verify.ts';
import { checksForCopy } from './checks-for-copy.ts';
import { removeCopy } from './remove-copy.ts';
import { readSources, readUnitLogs, usePackageProxy } from './inside-copy.ts';
import { linkInterruption, watchPool, type CopyInterruption } from './interruption.ts';
import { openPackageProxy, type PackageProxy } from './package-proxy.ts';
import { grantMemory } from './spare-memory.ts';
import { compareSurvival, unitsToExplain, type Survival } from './survival.ts';

/** A rehearsal, decided before anything happens. */
export interface RehearsalPlan {
  /** The run as it would be on the instance, under the rehearsal's own id. */
  readonly plan: Plan;
  /** The run that continues with the instance where this passes. */
  readonly before: string | null;
  /** Keep the copy, stopped, at the end. */
  readonly keepCopy: boolean;
  /** Also where the driver copies every file, and the instance stands still for that. */
  readonly mayCopyFiles: boolean;
}

/** How a rehearsal ended, and what it tells the run after it. */
export interface RehearsalEnd {
  readonly outcome: Outcome;
  /** What the change did to the copy; null where that is not known. */
  readonly changes: Changes | null;
  /** What the package manager had said on the copy, before the change. */
  readonly preview: PackagePreview | null;
}

/**
 * The same run on an isolated copy, from top to bottom:
 * inspect → copy → start → baseline → command → verify → restart → verify → remove the copy.
 * The instance itself is only looked at.
 */
export async function rehearse(rehearsal: RehearsalPlan, tools: RunTools): Promise<RehearsalEnd> {
  const began = tools.clock.monotonic();
  const end = await inspectAndRehearse(rehearsal, tools);
  await tools.recorder.record({ type: 'run-ended', outcome: end.outcome, ms: tools.clock.monotonic() - began });
  return end;
}

async function inspectAndRehearse(rehearsal: RehearsalPlan, tools: RunTools): Promise<RehearsalEnd> {
  const { plan } = rehearsal;
  const inspected = await inPhase(
    tools,
    'inspect',
    () => admit(rehearsal, tools),
    (result) => ({ ok: result.ok, says: result.ok ? result.value.inspected.instance.status.toLowerCase() : 'refused' }),
  );
  if (!inspected.ok) return withoutCopy(inspected.error);
  const proxy = plan.remote === null ? await openPackageProxy() : null;
  try {
    return await onCopy(rehearsal, tools, { ...inspected.value, proxy });
  } finally {
    await proxy?.close();
  }
}

function withoutCopy(outcome: Outcome): RehearsalEnd {
  return { outcome, changes: null, preview: null };
}

/** What is known before the copy is made. */
interface Admitted {
  readonly inspected: Inspected;
  readonly place: RehearsalPlace;
  /** The most memory that the copy may take, in bytes. */
  readonly memoryBytes: number | null;
}

/** Refuses what a run would refuse, and what the server has no room for. Changes nothing of the instance. */
async function admit({ plan, mayCopyFiles }: RehearsalPlan, tools: RunTools): Promise<Result<Admitted, Outcome>> {
  const inspected = await inspect(plan, tools);
  if (!inspected.ok) return inspected;
  const repeat = await refuseRepeat(plan, tools);
  if (repeat !== null) return err(repeat);
  const { copy, instance } = inspected.value;
  if (copy !== null && !mayCopyFiles)
    return err(refused(sayPause(plan.instance, copy), 'Pass --rehearse=copy where that is acceptable.'));
  const [memory, state, place] = await Promise.all([
    getServerMemory(tools.incus, instance.location),
    inspected.value.wasRunning ? getInstanceState(tools.incus, plan.instance) : null,
    ensureRehearsalPlace(tools.incus),
  ]);
  if (!place.ok) return err(notRehearsed(place.error));
  const limit = instance.expandedConfig['limits.memory'];
  const grant = grantMemory({
    server: memory.ok ? memory.value : null,
    originalBytes: state?.ok ? state.value.memoryBytes || null : null,
    limitBytes: limit === undefined ? null : bytesOf(limit) || null,
  });
  if (!grant.fits) return err(refused(grant.message, 'Rehearse when the server is less busy, or lower limits.memory of the instance.'));
  return ok({ inspected: inspected.value, place: place.value, memoryBytes: grant.limitBytes });
}

/** A rehearsal that could not be carried out. */
function notRehearsed(failure: IncusFailure): Outcome {
  return inconclusive(`Could not ${failure.asked}: ${failure.said}`, failure.advice);
}

function inconclusive(says: string, advice: string): Outcome {
  return { outcome: 'rehearsal-inconclusive', refusal: { says, advice } };
}

interface WithProxy extends Admitted {
  readonly proxy: PackageProxy | null;
}

/** Makes the copy, judges it, and removes it however that ended. */
async function onCopy(rehearsal: RehearsalPlan, tools: RunTools, admitted: WithProxy): Promise<RehearsalEnd> {
  const { plan } = rehearsal;
  const uuid = randomUUID();
  const wanted = planCopy(admitted.inspected.instance, {
    uuid,
    run: plan.run,
    network: admitted.place.network,
    ownVolumes: admitted.inspected.disks.own,
    proxySocket: admitted.proxy?.socket ?? null,
    memoryBytes: admitted.memoryBytes,
  });
  const copy: RehearsalCopy = { project: admitted.place.project, instance: plan.instance, uuid, volumes: wanted.volumes };
  await tools.recorder.begin(started(rehearsal, tools, admitted.inspected, copy));
  const unwritable = tools.recorder.failure();
  // Without a record nobody would find the copy of a guard that was killed.
  if (unwritable !== null)
    return withoutCopy(refused(`The run's record cannot be written: ${unwritable}`, 'Make room, or name another folder with GUARD_STATE_DIR.'));
  const interruption = linkInterruption(tools.interruption);
  const stopWatching = watchPool(tools, admitted.inspected.pool, interruption);
  try {
    return await judgeCopy(rehearsal, { ...tools, interruption }, admitted, wanted);
  } finally {
    stopWatching();
    await removeCopy(tools, { copy, run: plan.run, keep: rehearsal.keepCopy, limits: plan.limits });
  }
}

function started(rehearsal: RehearsalPlan, tools: RunTools, { wasRunning }: Inspected, copy: RehearsalCopy): RunStarted {
  const { plan, before, keepCopy } = rehearsal;
  return {
    type: 'run-started',
    version: plan.version,
    instance: plan.instance,
    project: plan.project,
    remote: plan.remote,
    command: plan.command.words,
    wasRunning,
    restorePointName: '',
    named: false,
    holder: tools.holder,
    rehearsal: { copy, before, keepCopy },
  };
}

type CopyTools = RunTools & { readonly interruption: CopyInterruption };

async function judgeCopy(rehearsal: RehearsalPlan, tools: CopyTools, admitted: WithProxy, wanted: CopyPlan): Promise<RehearsalEnd> {
  const { plan } = rehearsal;
  const { inspected, place, proxy } = admitted;
  const copied = await inPhase(
    tools,
    'copy',
    () => createRehearsalCopy(tools.incus, place, inspected.instance, wanted, { limitMs: plan.limits.snapshotMs }),
    (result) => ({ ok: result.ok, says: result.ok ? `project ${place.project}` : 'not made' }),
  );
  if (!copied.ok) return withoutCopy(notRehearsed(copied.error));
  const there: CopyTools = { ...tools, incus: inProject(tools.incus, place.project) };
  const up = await inPhase(
    tools,
    'start',
    () => bringUp(there, plan.instance, plan.limits, hasNic(wanted) ? [4] : []),
    (result) => ({ ok: result.ok, says: result.ok ? 'running, isolated' : result.error }),
  );
  if (!up.ok) return withoutCopy(inconclusive(`The copy did not start: ${up.error}`, 'The instance itself may not survive a restart either.'));
  const checks = checksForCopy(plan.checks, plan.remote === null);
  const onCopyPlan = planOnCopy(plan, place, checks.asked, proxy !== null);
  const hosts = await readSources(there, plan.instance);
  if (proxy !== null) await usePackageProxy(there, plan.instance, proxyUrl);
  const [original, baseline, preview] = await Promise.all([
    inspected.wasRunning ? baselineOfOriginal(plan, tools) : null,
    establishBaseline(onCopyPlan, there, inspected.instance, { first: null, justStarted: true, whenCalm: () => {} }),
    rehearsal.before === null ? null : previewPackages(there.incus, plan.instance, plan.command.words),
  ]);
  if (!baseline.ok) return withoutCopy(baseline.error);
  const now = await getInstance(there.incus, plan.instance);
  if (!now.ok) return withoutCopy(notRehearsed(now.error));
  const subject = { baseline: baseline.value, boot: now.value, inspected: { instance: now.value } };
  const survival = original === null ? nothingToCompare : await compareWithOriginal(there, plan.instance, original, baseline.value, inspected, wanted);
  proxy?.open(hosts);
  const judged = await changeAndRestart(onCopyPlan, proxy === null ? there : { ...there, recorder: shutAfterCommand(there.recorder, proxy) }, subject);
  const outcome = outcomeOf(judged, proxy, tools.interruption);
  const omitted = [...notRehearsedBy(plan, wanted, proxy), ...checks.notRehearsed, ...survival.needsOutside];
  const report: RehearsalReport = {
    failedAt: outcome.outcome === 'rehearsal-failed' ? outcome.stage : null,
    notRehearsed: omitted,
    notSurvivingReboot: survival.notSurvivingReboot,
    refusedHosts: proxy?.refused() ?? [],
  };
  await tools.recorder.record({ type: 'rehearsal-report', report });
  // The instance is what it was before: its package manager says the same as it would before the run.
  if (outcome.outcome === 'rehearsal-failed') await rememberChange(plan, tools, outcome.cause);
  return { outcome, changes: judged.changes, preview };
}

function hasNic({ devices }: CopyPlan): boolean {
  return Object.values(devices).some((keys) => keys['type'] === 'nic');
}

/**
 * The same run with the copy as its subject. What the copy cannot do is compared with itself, so a failure from before
 * does not stop the rehearsal; its end is decided here and asks nobody.
 */
function planOnCopy(plan: Plan, { project }: RehearsalPlace, checks: Plan['checks'], withProxy: boolean): Plan {
  const { environment } = plan.command;
  return {
    ...plan,
    project,
    checks,
    allowUnhealthy: true,
    obeyQuarantine: false,
    keepFailed: false,
    // The restart comes after the first verdict, so that the report can tell which of the two failed.
    restart: false,
    hooks: {},
    command: { ...plan.command, environment: withProxy ? { ...environment, ...proxyEnvironment } : environment },
  };
}

const proxyUrl = `http://127.0.0.1:${proxyPort}`;
const local = 'localhost,127.0.0.1,::1';
const proxyEnvironment = {
  http_proxy: proxyUrl,
  https_proxy: proxyUrl,
  HTTP_PROXY: proxyUrl,
  HTTPS_PROXY: proxyUrl,
  no_proxy: local,
  NO_PROXY: local,
} as const;

function baselineOfOriginal(plan: Plan, tools: RunTools): Promise<Baseline> {
  return takeBaseline(
    { incus: tools.incus, instance: plan.instance, clock: tools.clock, signal: tools.interruption.signal },
    { definitions: plan.checks, automatic: plan.automatic },
  );
}

/** How the copy came through. */
interface Judged {
  readonly attempt: WholeAttempt;
  readonly cause: ReturnType<typeof decide>['cause'];
  readonly stage: RehearsalStage;
  readonly changes: Changes | null;
}

/** The change with its verdict, then a restart with its verdict: upgrades that break at the next boot are found here. */
async function changeAndRestart(plan: Plan, tools: RunTools, subject: AttemptSubject): Promise<Judged> {
  const attempt = await attemptCommand(plan, tools, subject);
  const { cause } = decide(plan, attempt);
  const changes = subject.baseline.facts && attempt.factsAfter ? changesBetween(subject.baseline.facts, attempt.factsAfter) : null;
  if (cause !== null) return { attempt, cause, stage: 'change', changes };
  await inPhase(
    tools,
    'restart',
    () => restart(tools, plan.instance, plan.limits),
    () => ({ ok: true, says: 'restarted' }),
  );
  const restarted = { kind: 'instance-stopped', restarted: true } as const;
  const { verdict } = await verify(plan, tools, subject.baseline, restarted, plan.limits.soakMs);
  const again = decide(plan, { end: attempt.end, verdict, interruptedBy: tools.interruption.by() });
  return { attempt: { ...attempt, verdict }, cause: again.cause, stage: 'restart', changes };
}

/** The proxy is a way out for the command alone: not for what the copy does by itself while it is judged and restarted. */
function shutAfterCommand(recorder: Recorder, proxy: PackageProxy): Recorder {
  return {
    ...recorder,
    record: async (event) => {
      if (event.type === 'command-ended') proxy.shut();
      await recorder.record(event);
    },
  };
}

const nothingToCompare: Survival = { needsOutside: [], notSurvivingReboot: [] };

/** Original against copy: what the copy cannot show, and what would not survive a reboot today. */
async function compareWithOriginal(
  tools: RunTools,
  instance: string,
  original: Baseline,
  copy: Baseline,
  { disks }: Inspected,
  { removed }: CopyPlan,
): Promise<Survival> {
  const logs = await readUnitLogs(tools, instance, unitsToExplain(original, copy));
  const paths = disks.uncovered.filter(({ device }) => removed.some((one) => one.device === device)).map(({ path }) => path);
  return compareSurvival(original, copy, logs, paths);
}

/** What the copy's form alone leaves out. */
function notRehearsedBy(plan: Plan, { removed }: CopyPlan, proxy: PackageProxy | null): readonly Finding[] {
  const hooks = Object.keys(plan.hooks);
  return [
    ...removed.map(({ device, because }) => missing(`device:${device}`, `the copy lacks the device "${device}": ${because}`)),
    ...(hooks.length === 0 ? [] : [missing('hooks', `the run's own hooks are not rehearsed: ${hooks.join(', ')}`)]),
    ...(proxy === null ? [missing('network', 'the copy on a remote server has no way to package sources: the command ran without network')] : []),
  ];
}

function missing(subject: string, says: string): Finding {
  return { subject, severity: 'advisory', says };
}

/** What a rehearsal says of the change: no more than the copy could show. */
function outcomeOf({ attempt, cause, stage }: Judged, proxy: PackageProxy | null, interruption: CopyInterruption): Outcome {
  const gaveUp = interruption.reason();
  if (gaveUp !== null) return inconclusive(gaveUp, 'Make room in the pool, and rehearse again.');
  if (cause === null) return { outcome: 'rehearsal-passed' };
  if (cause === 'interrupted') return { outcome: 'interrupted', signal: interruption.by() ?? 'SIGTERM' };
  if (cause === 'inconclusive')
    return inconclusive(`The copy could not be judged: ${attempt.verdict?.reasons.map(({ says }) => says).join('; ') || 'nobody answered'}.`, 'See the record of the rehearsal.');
  const refusedHosts = proxy?.refused() ?? [];
  // A command that may not reach what it needs fails on every copy: that says nothing of the instance.
  if (attempt.verdict === null && (refusedHosts.length > 0 || proxy === null))
    return inconclusive(
      refusedHosts.length > 0
        ? `The command failed on the copy, which may not reach ${refusedHosts.slice(0, 5).join(', ')}.`
        : 'The command failed on the copy, which has no network.',
      'A copy reaches nothing but the hosts of its own package sources.',
    );
  return { outcome: 'rehearsal-failed', cause, stage };
}
