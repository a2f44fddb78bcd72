import { randomUUID } from 'node:crypto';
import type { Changes, Finding, Outcome, RehearsalCopy, RehearsalReport, RunStarted } from '../event.ts';
import { takeBaseline, type Baseline } from '../health/baseline.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import type { Platform } from '../platform/platform.ts';
import type { CopyPlan, RehearsalPlace } from '../platform/rehearsals.ts';
import { err, ok, type Result } from '../result.ts';
import { commandChange, type AttemptSubject } from '../run/changes/command.ts';
import { establishBaseline } from '../run/baseline.ts';
import { inspect } from '../run/inspect.ts';
import { identityOf, recordedIdentity } from '../run/instance-identity.ts';
import type { Inspection } from '../run/prepared-run.ts';
import { previewPackages, type PackagePreview } from '../run/packages/preview.ts';
import type { RunPlan } from '../run/changes/change.ts';
import { bringUp } from '../run/power.ts';
import { clearStaleLocks } from '../run/rollback/stale-locks.ts';
import { refuseRepeat, rememberChange } from '../run/quarantine.ts';
import { inPhase } from '../run/recorder.ts';
import { busy, refused } from '../run/refusal.ts';
import { describePause } from '../run/restore-point/free-space.ts';
import type { RunTools } from '../run/tools.ts';
import { checksForCopy } from './checks-for-copy.ts';
import { readUnitLogs } from './inside-copy.ts';
import { linkInterruption, watchPools, type CopyInterruption } from './interruption.ts';
import { changeAndRestart, inconclusive, outcomeOf } from './judge.ts';
import {
  createPackageAccess,
  disconnectAfterCommand,
  withoutPackagePort,
  type PackageAccess,
  type PackagesMissed,
} from './package-access.ts';
import { removeProxyFolders, type PackageProxy } from './package-proxy.ts';
import { removeCopy } from './remove-copy.ts';
import { grantMemory } from './spare-memory.ts';
import { compareSurvival, unitsToExplain, type Survival } from './survival.ts';

/** A rehearsal, decided before anything happens. */
export interface RehearsalPlan {
  /** The run as it would be on the instance, under the rehearsal's own id. */
  readonly plan: RunPlan;
  /** The run that continues with the instance where this passes. */
  readonly before: string | null;
  /** A run follows whose id is not known yet, as in a rollout: the packages are asked for, so that it can be compared. */
  readonly isCompared?: boolean;
  /** Keep the copy, stopped, at the end. */
  readonly keepCopy: boolean;
  /** Also where the driver copies every file, and the instance stands still for that. */
  readonly mayCopyFiles: boolean;
}

/** What a rehearsal needs beside the tools of a run. */
export interface RehearsalTools extends RunTools {
  /** Opens the package proxy of the rehearsal with this id. */
  readonly openProxy: (run: string) => Promise<PackageProxy>;
}

/** How a rehearsal ended, and what it tells the run after it. */
export interface RehearsalEnd {
  readonly outcome: Outcome;
  /** What the change did to the copy; null where that is not known. */
  readonly changes: Changes | null;
  /** What the package manager had said on the copy, before the change; null where nobody asked. */
  readonly preview: PackagePreview | null;
}

/**
 * The same run on an isolated copy, from top to bottom:
 * inspect → copy → start → baseline → command → verify → restart → verify → remove the copy.
 * The instance itself is only looked at.
 */
export async function rehearse(rehearsal: RehearsalPlan, tools: RehearsalTools): Promise<RehearsalEnd> {
  const began = tools.clock.monotonic();
  const end = await inspectAndRehearse(rehearsal, tools);
  await tools.recorder.record({ type: 'run-ended', outcome: end.outcome, ms: tools.clock.monotonic() - began });
  return end;
}

async function inspectAndRehearse(rehearsal: RehearsalPlan, tools: RehearsalTools): Promise<RehearsalEnd> {
  const admitted = await inPhase(
    tools,
    'inspect',
    () => admit(rehearsal, tools),
    (result) => ({
      ok: result.ok,
      message: result.ok ? result.value.inspected.instance.status.toLowerCase() : 'refused',
    }),
  );
  if (!admitted.ok) return withoutCopy(admitted.error);
  return makeAndRemove(rehearsal, tools, admitted.value);
}

function withoutCopy(outcome: Outcome): RehearsalEnd {
  return { outcome, changes: null, preview: null };
}

/** What is known before the copy is made. */
interface Admitted {
  readonly inspected: Inspection;
  readonly place: RehearsalPlace;
  /** The most memory that the copy may take, in bytes; null for the original's own limit. */
  readonly memoryBytes: number | null;
  /** The memory of the server cannot be read, so nobody knows whether the copy fits. */
  readonly memoryUnknown: boolean;
}

/** Refuses what a run would refuse, and what the server has no room for. Changes nothing of the instance. */
async function admit({ plan, mayCopyFiles }: RehearsalPlan, tools: RunTools): Promise<Result<Admitted, Outcome>> {
  const inspected = await inspect(plan, tools);
  if (!inspected.ok) return inspected;
  const isNew = await refuseRepeat(plan, tools, identityOf(plan, inspected.value));
  if (!isNew.ok) return isNew;
  const { instance, wasRunning } = inspected.value;
  const copying = mayCopyFiles ? null : await describeCopying(plan, tools.platform, inspected.value);
  if (copying !== null) return err(refused(copying, 'Pass --rehearse=copy where that is acceptable.'));
  const [memory, state, place] = await Promise.all([
    tools.platform.rehearsals.getServerMemory(instance.location),
    wasRunning ? tools.platform.getInstanceState(plan.instance) : null,
    tools.platform.rehearsals.ensurePlace(),
  ]);
  if (!place.ok) return err(notCarriedOut(place.error));
  const there = await tools.platform.inProject(place.value.project).getInstance(plan.instance);
  if (there.ok) return err(copyExists(plan, place.value));
  const promisedBytes = memory.ok ? await promisedToCopies(tools.platform, place.value, instance.location) : 0;
  const grant = grantMemory({
    promisedBytes,
    server: memory.ok ? memory.value : null,
    originalBytes: state?.ok === true ? state.value.memoryBytes || null : null,
    limitBytes: instance.memoryLimitBytes,
  });
  if (!grant.fits)
    return err(
      refused(grant.message, 'Rehearse when the server is less busy, or lower limits.memory of the instance.'),
    );
  return ok({
    inspected: inspected.value,
    place: place.value,
    memoryBytes: grant.limitBytes,
    memoryUnknown: grant.unknown,
  });
}

/**
 * What a driver without snapshots would copy file by file, in a sentence; null where none does. A restore point of a stopped
 * instance needs no pause for that; a copy of it takes the time and the space all the same.
 */
async function describeCopying(
  { instance }: RunPlan,
  platform: Platform,
  inspected: Inspection,
): Promise<string | null> {
  if (inspected.copy !== null) return describePause(instance, inspected.copy, 'rehearsal');
  const { pool: root, disks } = inspected;
  const others = await Promise.all(poolsOfVolumes(inspected).map((name) => platform.getPool(name)));
  const pools = [...(root === null ? [] : [root]), ...others.flatMap((pool) => (pool.ok ? [pool.value] : []))];
  const copying = pools.find(({ snapshotCopies }) => snapshotCopies);
  if (copying === undefined) return null;
  const volumes = disks.own.filter(({ pool }) => pool === copying.name).map(({ volume }) => `"${volume}"`);
  const what = copying === root ? `"${instance}"` : `the volume ${volumes.join(', ')}`;
  return `The driver of the pool "${copying.name}", ${copying.driver}, copies every file of ${what} for the rehearsal.`;
}

/** The pools of the volumes that are copied with the instance, without that of its root disk. */
function poolsOfVolumes({ pool, disks }: Inspection): readonly string[] {
  return [...new Set(disks.own.map((volume) => volume.pool))].filter((name) => name !== pool?.name);
}

/** What the running copies on the same machine may still take, in bytes: what they take already is not free any more. */
async function promisedToCopies(
  platform: Platform,
  { project }: RehearsalPlace,
  location: string | null,
): Promise<number> {
  const there = platform.inProject(project);
  const copies = await there.listInstances();
  const running = copies.ok
    ? copies.value.filter((copy) => copy.status === 'Running' && copy.location === location)
    : [];
  const promised = await Promise.all(
    running.map(async ({ name, memoryLimitBytes }) => {
      const state = await there.getInstanceState(name);
      return Math.max(0, (memoryLimitBytes ?? 0) - (state.ok ? state.value.memoryBytes : 0));
    }),
  );
  return promised.reduce((sum, bytes) => sum + bytes, 0);
}

/** Copies have the names of their originals. */
function copyExists({ instance }: RunPlan, { project }: RehearsalPlace): Outcome {
  return busy(
    `There is already a copy of an instance "${instance}" in the project ${project}: another rehearsal is in progress, or its copy was kept.`,
    `See \`guard runs ${instance}\`; \`guard show RUN\` says how to remove a copy that was kept, and \`guard recover\` removes the copy of an interrupted rehearsal.`,
  );
}

function notCarriedOut(failure: PlatformFailure): Outcome {
  return inconclusive(`Could not ${failure.purpose}: ${failure.detail}`, failure.advice);
}

/** What a rehearsal works with. */
interface Subject extends Admitted {
  /** Null where the copy is on another machine: it then has no way to package sources. */
  readonly access: PackageAccess | null;
}

/** Makes the copy, judges it, and removes it however that ended. */
async function makeAndRemove(
  rehearsal: RehearsalPlan,
  tools: RehearsalTools,
  admitted: Admitted,
): Promise<RehearsalEnd> {
  const { plan, keepCopy } = rehearsal;
  const { inspected, place, memoryBytes } = admitted;
  const uuid = randomUUID();
  const planned = await tools.platform.rehearsals.planCopy(plan.instance, {
    uuid,
    run: plan.run,
    network: place.network,
    ownVolumes: inspected.disks.own,
    memoryBytes,
  });
  if (!planned.ok) return withoutCopy(notCarriedOut(planned.error));
  const copyPlan = planned.value;
  const copy: RehearsalCopy = {
    project: place.project,
    instance: plan.instance,
    uuid,
    volumes: copyPlan.volumes,
    client: tools.platform.commands.client,
  };
  await tools.recorder.begin(startOf(rehearsal, tools, inspected, copy));
  const writable = tools.recorder.writable();
  // Without a record nobody would find the copy of a guard that was killed.
  if (!writable.ok)
    return withoutCopy(
      refused(
        `The run's record cannot be written: ${writable.error}`,
        'Free some space, or set GUARD_STATE_DIR to another folder.',
      ),
    );
  if (admitted.memoryUnknown)
    await tools.recorder.record({
      type: 'notice',
      level: 'warning',
      message: 'The memory of the server cannot be read: the copy has no other limit than the instance.',
    });
  const interruption = linkInterruption(tools.interruption);
  const stopWatching = watchPools(
    tools,
    [...(inspected.pool === null ? [] : [inspected.pool.name]), ...poolsOfVolumes(inspected)],
    interruption,
  );
  let neverMade = true;
  let access: PackageAccess | null = null;
  // Of what failed to be made, nothing is worth keeping.
  let keep = false;
  try {
    // Its socket has to be on the server's own machine.
    const proxy = isHere(plan, copyPlan) ? await openProxy(tools, plan.run) : ok(null);
    if (!proxy.ok) return withoutCopy(proxy.error);
    access = proxy.value && createPackageAccess(proxy.value, tools.platform, place, plan.instance);
    const subject = { ...admitted, access };
    neverMade = false;
    const made = await makeCopy(plan, tools, subject, copyPlan);
    // Another rehearsal of the same name was quicker: that copy is not this run's.
    neverMade = !made.ok && made.error.kind === 'name-taken';
    if (neverMade) return withoutCopy(copyExists(plan, place));
    if (!made.ok) return withoutCopy(notCarriedOut(made.error));
    keep = keepCopy;
    return await judgeCopy(rehearsal, { ...tools, interruption }, subject, copyPlan);
  } finally {
    stopWatching();
    // A copy that the pool has no space for goes, also one that is to be kept.
    keep &&= interruption.reason() === null;
    await removeCopy(tools, { copy, run: plan.run, neverMade, keep, limits: plan.limits });
    await access?.close();
  }
}

/** A name that is too long for a socket, or a full disk, is no reason to leave a record without an end. */
async function openProxy(tools: RehearsalTools, run: string): Promise<Result<PackageProxy, Outcome>> {
  try {
    return ok(await tools.openProxy(run));
  } catch (error) {
    await removeProxyFolders(run);
    const why = error instanceof Error ? error.message : String(error);
    return err(
      inconclusive(
        `The package proxy of the copy could not be opened: ${why}`,
        'Set TMPDIR to a folder with a short path and free space.',
      ),
    );
  }
}

/** Whether the copy is on guard's own machine: elsewhere neither its network nor a socket of this machine leads to it. */
function isHere({ remote }: RunPlan, { isOnAnsweringServer }: CopyPlan): boolean {
  return remote === null && isOnAnsweringServer;
}

function startOf(
  { plan, before, keepCopy }: RehearsalPlan,
  tools: RunTools,
  inspected: Inspection,
  copy: RehearsalCopy,
): RunStarted {
  return {
    type: 'run-started',
    version: plan.version,
    ...recordedIdentity(identityOf(plan, inspected)),
    command: plan.command.words,
    wasRunning: inspected.wasRunning,
    restorePointName: '',
    named: false,
    holder: tools.holder,
    rehearsal: { copy, before, keepCopy },
  };
}

type CopyTools = RunTools & { readonly interruption: CopyInterruption };

async function judgeCopy(
  rehearsal: RehearsalPlan,
  tools: CopyTools,
  subject: Subject,
  copyPlan: CopyPlan,
): Promise<RehearsalEnd> {
  const { plan } = rehearsal;
  const { inspected, place, access } = subject;
  // Meanwhile, because it only reads: the copy is compared with it.
  const original = inspected.wasRunning ? takeBaselineOf(plan, tools) : Promise.resolve(null);
  const there: CopyTools = { ...tools, platform: tools.platform.inProject(place.project) };
  const started = await startCopy(plan, there, copyPlan);
  if (!started.ok) return withoutCopy(started.error);
  const checks = checksForCopy(plan.checks, { project: place.project, reachable: isHere(plan, copyPlan) });
  const copyRun = planOnCopy(plan, place, checks.asked, access);
  const [, baseline, preview] = await Promise.all([
    access?.connect(),
    establishBaseline(copyRun, there, inspected.instance, { first: null, justStarted: true, whenIdle: () => {} }),
    rehearsal.before === null && rehearsal.isCompared !== true
      ? null
      : previewPackages(there.platform, plan.instance, plan.command.words),
  ]);
  if (!baseline.ok) return withoutCopy(baseline.error);
  const compare = async (copy: Baseline): Promise<Survival> =>
    compareWithOriginal(there, plan.instance, await original, copy, copyPlan);
  const settled = await waitForSlowServices(copyRun, there, baseline.value, compare);
  const { survival } = settled;
  const now = await there.platform.getInstance(plan.instance);
  if (!now.ok) return withoutCopy(notCarriedOut(now.error));
  access?.open();
  const attempt: AttemptSubject = {
    baseline: withoutPackagePort(settled.baseline, tools.platform.rehearsals.proxyPort),
    boot: now.value,
    inspected: { instance: now.value },
  };
  const attemptTools = access === null ? there : { ...there, recorder: disconnectAfterCommand(there.recorder, access) };
  const judged = await changeAndRestart(copyRun, attemptTools, attempt);
  const missed = access?.missed() ?? null;
  const outcome = outcomeOf(plan, judged, missed, tools.interruption);
  const report: RehearsalReport = {
    failedAt: outcome.outcome === 'rehearsal-failed' ? outcome.stage : null,
    notRehearsed: [...notRehearsedBy(plan, copyPlan, missed), ...checks.notRehearsed, ...survival.needsOutside],
    notSurvivingReboot: survival.notSurvivingReboot,
    refusedHosts: missed?.refused ?? [],
  };
  await tools.recorder.record({ type: 'rehearsal-report', report });
  // The instance is unchanged, so its package manager answers as it would before the run.
  if (outcome.outcome === 'rehearsal-failed') await rememberChange(plan, tools, outcome.cause);
  return { outcome, changes: judged.changes, preview };
}

function makeCopy(
  plan: RunPlan,
  tools: RunTools,
  { place }: Subject,
  copyPlan: CopyPlan,
): Promise<Result<void, PlatformFailure>> {
  return inPhase(
    tools,
    'copy',
    () => tools.platform.rehearsals.createCopy(place, plan.instance, copyPlan, { limitMs: plan.limits.snapshotMs }),
    (result) => ({ ok: result.ok, message: result.ok ? `project ${place.project}` : 'not made' }),
  );
}

async function startCopy(plan: RunPlan, there: CopyTools, copyPlan: CopyPlan): Promise<Result<void, Outcome>> {
  // The package manager that asked holds its lock, which is in the copy too: there its process is gone.
  if (plan.change.packageManagerWaits) await clearStaleLocks(there.platform, plan.instance);
  const up = await inPhase(
    there,
    'start',
    () => bringUp(there, plan.instance, plan.limits, copyPlan.hasNetwork ? [4] : []),
    (result) => ({ ok: result.ok, message: result.ok ? 'running, isolated' : result.error }),
  );
  if (up.ok) return ok(undefined);
  return err(
    inconclusive(`The copy did not start: ${up.error}`, 'The instance itself may not survive a restart either.'),
  );
}

/**
 * The same run with the copy as its subject. What the copy cannot do is compared with itself, so a failure from before
 * does not stop the rehearsal; its end is decided here and asks nobody.
 */
function planOnCopy(
  plan: RunPlan,
  { project }: RehearsalPlace,
  checks: RunPlan['checks'],
  access: PackageAccess | null,
): RunPlan {
  return {
    ...plan,
    project,
    checks,
    // The command of a package manager's transaction is run anew on the copy.
    change: commandChange,
    allowUnhealthy: true,
    obeyQuarantine: false,
    keepFailed: false,
    // The restart comes after the first verdict, so that the report can tell which of the two failed.
    restart: false,
    hooks: {},
    command: { ...plan.command, environment: { ...plan.command.environment, ...access?.environment } },
  };
}

function takeBaselineOf(plan: RunPlan, tools: RunTools): Promise<Baseline> {
  return takeBaseline(
    { platform: tools.platform, instance: plan.instance, clock: tools.clock, signal: tools.interruption.signal },
    { definitions: plan.checks, automatic: plan.automatic, askServers: plan.askServers },
  );
}

/** How long a copy may take to start what its original does, after its boot, and how often guard looks. Milliseconds. */
const slowStart = { withinMs: 30_000, everyMs: 2000 };

/**
 * What a supervisor starts after the boot may be missing in the first baseline, and then a change that breaks it would pass.
 * So guard looks again while something of the original is missing.
 */
async function waitForSlowServices(
  copyRun: RunPlan,
  there: CopyTools,
  first: Baseline,
  compare: (copy: Baseline) => Promise<Survival>,
): Promise<{ readonly baseline: Baseline; readonly survival: Survival }> {
  const { clock, interruption } = there;
  const giveUpAt = clock.monotonic() + slowStart.withinMs;
  let best = { baseline: first, survival: await compare(first) };
  while (best.survival.notSurvivingReboot.length > 0 && clock.monotonic() < giveUpAt && !interruption.signal.aborted) {
    await clock.sleep(slowStart.everyMs, interruption.signal);
    const baseline = await takeBaselineOf(copyRun, there);
    const survival = await compare(baseline);
    if (survival.notSurvivingReboot.length < best.survival.notSurvivingReboot.length) best = { baseline, survival };
  }
  if (best.baseline !== first) await there.recorder.record({ type: 'baseline-recorded', baseline: best.baseline });
  return best;
}

/** Original against copy: what the copy cannot show, and what would not survive a reboot today. */
async function compareWithOriginal(
  tools: RunTools,
  instance: string,
  original: Baseline | null,
  copy: Baseline,
  { removed, removedSettings }: CopyPlan,
): Promise<Survival> {
  if (original === null) return { needsOutside: [], notSurvivingReboot: [] };
  const logs = await readUnitLogs(tools, instance, unitsToExplain(original, copy));
  const paths = [...removed.flatMap((device) => device.paths), ...removedSettings.flatMap(({ path }) => path ?? [])];
  return compareSurvival(original, copy, logs, paths);
}

/** What the copy's form alone leaves out. */
function notRehearsedBy(
  plan: RunPlan,
  { removed, removedSettings }: CopyPlan,
  missed: PackagesMissed | null,
): readonly Finding[] {
  const hooks = Object.keys(plan.hooks);
  return [
    ...removed.map(({ device, because }) =>
      omission(`device:${device}`, `the copy lacks the device "${device}": ${because}`),
    ),
    ...removedSettings.map(({ setting, because }) =>
      omission(`setting:${setting}`, `the copy lacks the setting "${setting}": ${because}`),
    ),
    ...(hooks.length === 0 ? [] : [omission('hooks', `the run's own hooks are not rehearsed: ${hooks.join(', ')}`)]),
    ...(missed === null
      ? [
          omission(
            'network',
            'a copy on another machine than guard cannot reach package sources: the command ran without a network',
          ),
        ]
      : missedPackages(missed)),
  ];
}

function missedPackages({ unreachable, obstacle }: PackagesMissed): readonly Finding[] {
  return [
    ...(obstacle === null ? [] : [omission('network', `the command ran without a network: ${obstacle}`)]),
    ...unreachable.map((host) =>
      omission(`host:${host}`, `the package source ${host} could not be reached from the machine of guard`),
    ),
  ];
}

function omission(subject: string, message: string): Finding {
  return { subject, severity: 'advisory', message };
}
