import { advisory, required, type FactFinding } from '../../finding.ts';
import { isRemoved, type Comparison } from '../comparison.ts';
import { successorOf } from '../listener/compare.ts';
import type { Difference } from '../../rules.ts';
import type { Facts, Process, Unit } from '../../facts.ts';
import {
  comesAndGoes,
  conditionOf,
  endedWell,
  indexOf,
  longRunning,
  ofHardware,
  ofSystemd,
  onDemand,
  reasonOf,
  isDesignedRestart,
  restartsByHabit,
  withoutVersion,
  type Condition,
  type UnitIndex,
} from './state.ts';

/** A unit that ran before the command and does not now. What it listened on is told with it, so it is not yet a finding. */
export interface UnitLoss {
  readonly unit: Unit;
  readonly condition: Exclude<Condition, 'running'>;
  readonly severity: 'required' | 'advisory';
  readonly transient: boolean;
  /** `was running, is now restarting: exit status 1, 4 restarts` */
  readonly message: string;
  /** What it is now, in a few words: `restarting: exit status 1, 4 restarts`. */
  readonly now: string;
  /** Nobody could expect it to run again: it does not start at boot, and the instance was restarted. */
  readonly expected: boolean;
  /** Another unit that took over, by all that can be seen. */
  readonly replacedBy: string | null;
}

/** Every unit that was well before and is not now. A unit that was not well before is never among them. */
export function lostUnits(comparison: Comparison): UnitLoss[] {
  const { before, after, restarted } = comparison;
  if (before.units === null || after.units === null) return [];
  const index = indexOf(after);
  const around = {
    index,
    comparison,
    before,
    after,
    restarted,
    replacements: replacementsIn(index, before, after),
    hasFile: unitFileIn(after),
  };
  return (
    Object.values(before.units)
      .filter((unit) => conditionOf(unit) === 'running' && !comesAndGoes(unit) && !wasRestarting(unit, before))
      // Timers are compared by what they run (`../timer`).
      .filter(({ id }) => !id.endsWith('.timer'))
      .flatMap((unit) => lossOf(unit, around) ?? [])
  );
}

interface Surroundings {
  readonly index: UnitIndex;
  readonly comparison: Comparison;
  readonly replacements: (unit: Unit) => string | null;
  readonly before: Facts;
  readonly after: Facts;
  readonly restarted: boolean;
  readonly hasFile: (unit: Unit) => boolean;
}

/** Caught in the moment in which a restart loop is up: it was restarted, and its main process is young. */
function wasRestarting(unit: Unit, before: Facts): boolean {
  return (
    unit.restarts > 0 &&
    (before.processes?.some((process) => process.pid === unit.mainPid && process.ageMs < 10_000) ?? false)
  );
}

/** What the command itself names as to be removed is told and does not decide. */
function lossOf(unit: Unit, around: Surroundings): UnitLoss | null {
  const loss = lossWithoutIntent(unit, around);
  if (loss === null || !isRemoved(around.comparison, unit.id, unit.id, ...unit.names)) return loss;
  return { ...loss, severity: 'advisory', message: `${loss.message} (the command names its removal)` };
}

function lossWithoutIntent(unit: Unit, around: Surroundings): UnitLoss | null {
  const now = around.index.find(unit);
  const condition = conditionNow(unit, now, around);
  if (condition === 'running') return now === null ? null : activeWithoutProcess(unit, now, around);
  const loss = (severity: UnitLoss['severity'], message: string, transient = false): UnitLoss => ({
    unit,
    condition,
    severity,
    transient,
    message,
    now: `${condition}${because(now)}`,
    expected: false,
    replacedBy: null,
  });
  if (condition === 'gone' || condition === 'masked') return goneOf(unit, condition, around);
  if (condition === 'stopped') return stoppedOf(unit, now, around, loss);
  if (condition === 'failed') return loss(failureWeight(unit), `${was(unit)}, has failed${because(now)}`);
  if (condition === 'restarting' && now !== null && endedWell(now) && restartsByHabit(unit, around.before)) return null;
  if (condition === 'restarting' && now !== null && isDesignedRestart(now))
    return loss(failureWeight(unit), `${was(unit)}, is being restarted as its unit configures${because(now)}`, true);
  if (condition === 'restarting')
    return loss(failureWeight(unit), `${was(unit)}, is now restarting${because(now)}`, true);
  if (condition === 'stopping' && onDemand(unit)) return null;
  return ends(unit) ? null : loss(failureWeight(unit), `${was(unit)}, is still ${condition}${because(now)}`, true);
}

/** What is not listed is gone, or only stopped. A start between two restarts is part of the loop. */
function conditionNow(unit: Unit, now: Unit | null, { hasFile }: Surroundings): Condition {
  const condition = conditionOf(now);
  if (now === null && (unit.type === 'openrc' || hasFile(unit))) return 'stopped';
  return condition === 'starting' && (now?.restarts ?? 0) > unit.restarts ? 'restarting' : condition;
}

function unitFileIn(facts: Facts): (unit: Unit) => boolean {
  const files = new Set(facts.unitFiles);
  return (unit) =>
    [unit.id, ...unit.names].some((name) => files.has(name) || files.has(name.replace(/@.*(?=\.[a-z]+$)/, '@')));
}

/** Jobs, and parts that matter to nobody by themselves, do not decide. */
function failureWeight(unit: Unit): UnitLoss['severity'] {
  if (unit.id.endsWith('.service') || unit.type === 'openrc')
    return !longRunning(unit) && (ofSystemd(unit.id) || ofHardware(unit.id)) ? 'advisory' : 'required';
  return /\.(mount|socket)$/.test(unit.id) && !ofSystemd(unit.id) ? 'required' : 'advisory';
}

/** It is run by a timer, or to its end, so that being in the middle of it says nothing. */
function ends(unit: Unit): boolean {
  return /\.(timer|path)$/.test(unit.id) || unit.triggeredBy.some((by) => by.endsWith('.timer'));
}

type Say = (severity: UnitLoss['severity'], message: string, transient?: boolean) => UnitLoss;

function stoppedOf(unit: Unit, now: Unit | null, around: Surroundings, loss: Say): UnitLoss | null {
  if (unit.id.endsWith('.mount')) return loss(failureWeight(unit), 'was mounted, is not any more');
  if (!unit.id.endsWith('.service') && unit.type !== 'openrc')
    return loss('advisory', `was ${unit.sub}, is now stopped`);
  const waits = unit.triggeredBy.filter((by) => around.after.units !== null && awaits(by, around.index));
  if (waits.some((by) => by.endsWith('.socket'))) return null;
  if (onDemand(unit)) return null;
  // Debian's haveged leaves newer kernels alone, and others leave containers alone. What is missed tells by itself.
  if (now?.skipped === true) return loss('advisory', `${was(unit)}, is now stopped: one of its conditions is not met`);
  if (!longRunning(unit)) {
    // A job of the boot has nothing to do in the next one, or its new version is not counted as active afterwards.
    const matters = unit.fileState.startsWith('enabled') && !ofSystemd(unit.id) && !around.restarted;
    return loss(matters ? 'required' : 'advisory', 'had finished and counted as active, is now stopped');
  }
  if (around.restarted && !startsAtBoot(unit))
    return { ...loss('advisory', `${was(unit)}, is now stopped: it does not start at boot`), expected: true };
  // Debian's postfix@-.service became postfix.service: the template is still there, the same program runs elsewhere.
  const replacedBy = around.replacements(unit);
  if (replacedBy === null) return loss('required', `${was(unit)}, is now stopped`);
  return { ...loss('advisory', `${was(unit)}, is now stopped; ${replacedBy} runs instead`), replacedBy };
}

function startsAtBoot(unit: Unit): boolean {
  return (
    unit.type === 'openrc' ||
    unit.fileState.startsWith('enabled') ||
    unit.wantedBy.length > 0 ||
    unit.triggeredBy.length > 0
  );
}

function awaits(name: string, index: UnitIndex): boolean {
  return index.all.some((one) => (one.id === name || one.names.includes(name)) && conditionOf(one) === 'running');
}

function goneOf(unit: Unit, condition: 'gone' | 'masked', around: Surroundings): UnitLoss {
  const replacedBy = around.replacements(unit);
  const service = longRunning(unit);
  const packaged = !unit.fragment.startsWith('/etc/') && unit.type !== 'openrc';
  const decides = service && replacedBy === null && !ofSystemd(unit.id) && !ofHardware(unit.id);
  const how = condition === 'masked' ? 'is now masked' : packaged ? 'is gone with its unit file' : 'is gone';
  const instead = replacedBy === null ? '' : `; ${replacedBy} runs instead`;
  return {
    unit,
    condition,
    severity: decides ? 'required' : 'advisory',
    transient: false,
    expected: false,
    message: `${was(unit)}, ${how}${instead}`,
    now: `${condition}${instead}`,
    replacedBy,
  };
}

/**
 * For a unit that does not run any more: one that runs anew and is the same service in another version, has the same main
 * process, or serves at the same ports.
 */
function replacementsIn(index: UnitIndex, before: Facts, after: Facts): Surroundings['replacements'] {
  const up = (unit: Unit): boolean => conditionOf(unit) === 'running' && longRunning(unit);
  const known = new Set(Object.values(before.units ?? {}).flatMap((unit) => (up(unit) ? [unit.id] : [])));
  const [processBefore, processAfter] = [mainProcesses(before), mainProcesses(after)];
  const successor = successorOf(before, after);
  const anew = new Map<string, string>();
  for (const unit of index.all) {
    if (known.has(unit.id) || !up(unit)) continue;
    anew.set(withoutVersion(unit.id), unit.id).set(`unit ${unit.id}`, unit.id);
    const process = processAfter(unit);
    if (process !== undefined && !interpreter.test(process)) anew.set(`process ${withoutVersion(process)}`, unit.id);
  }
  const sockets = newSocketUnits(before, index);
  return (unit) => {
    const process = processBefore(unit);
    const sameProcess = process === undefined ? undefined : anew.get(`process ${withoutVersion(process)}`);
    const holder = successor([...new Set([unit.id, ...unit.names])]);
    const heir = anew.get(`unit ${holder}`);
    // systemd listens for a service that it starts at the first connection.
    const socket = holder === 'init.scope' ? sockets[0] : undefined;
    return anew.get(withoutVersion(unit.id)) ?? sameProcess ?? heir ?? socket ?? null;
  };
}

/** Socket units that listen now and did not before. */
function newSocketUnits(before: Facts, index: UnitIndex): string[] {
  return index.all
    .filter(
      ({ id, active }) => id.endsWith('.socket') && active === 'active' && before.units?.[id]?.active !== 'active',
    )
    .map(({ id }) => id);
}

/** Their names say nothing of what they run. */
const interpreter = /^(python|perl|ruby|php$|node|java|sh$|bash|dash|tclsh|lua|mono|dotnet)/;

/** The name of the main process, or of the eldest one where the manager does not know which that is. */
function mainProcesses(facts: Facts): (unit: Unit) => string | undefined {
  const byPid = new Map(facts.processes?.map((process) => [process.pid, process.name]));
  const eldest = new Map<string, Process>();
  for (const process of facts.processes ?? []) {
    const known = process.unit === null ? undefined : eldest.get(process.unit);
    if (process.unit !== null && (known === undefined || process.startTicks < known.startTicks))
      eldest.set(process.unit, process);
  }
  return (unit) => byPid.get(unit.mainPid) ?? eldest.get(unit.id)?.name;
}

/** Generated from an init script, a unit counts as active with nothing left in it. */
function activeWithoutProcess(unit: Unit, now: Unit, { after }: Surroundings): UnitLoss | null {
  if (unit.sub !== 'running' || now.sub !== 'exited' || !longRunning(unit) || after.processes === null) return null;
  if (now.type === 'oneshot' || after.processes.some((process) => process.unit === now.id)) return null;
  return {
    unit,
    condition: 'stopped',
    severity: 'required',
    transient: false,
    expected: false,
    message: 'was running, has no process left',
    now: 'no process left',
    replacedBy: null,
  };
}

function was(unit: Unit): string {
  return unit.sub === 'running' || unit.type === 'openrc' ? 'was running' : `was ${unit.sub}`;
}

function because(now: Unit | null): string {
  if (now === null) return '';
  const restarts = now.restarts === 0 ? [] : [now.restarts === 1 ? '1 restart' : `${now.restarts} restarts`];
  const reasons = [reasonOf(now), ...restarts].filter((reason) => reason !== '');
  return reasons.length === 0 ? '' : `: ${reasons.join(', ')}`;
}

/** Units that run or fail anew. They are told and decide nothing: nobody depended on them before. */
export function newUnits(before: Facts, after: Facts): FactFinding[] {
  if (before.units === null || after.units === null) return [];
  const old = indexOf(before);
  return Object.values(after.units).flatMap((unit) => {
    const previously = conditionOf(old.find(unit));
    const now = conditionOf(unit);
    if (comesAndGoes(unit) || previously === 'running' || previously === now || !unit.id.endsWith('.service'))
      return [];
    if (now === 'running' && longRunning(unit)) return [advisory(`unit:${unit.id}`, `${unit.id} is newly running`)];
    if (previously === 'failed' || previously === 'restarting') return [];
    if (now === 'failed')
      return [advisory(`unit:${unit.id}`, `${unit.id} did not run before and has failed${because(unit)}`)];
    if (now === 'restarting')
      return [advisory(`unit:${unit.id}`, `${unit.id} did not run before and keeps restarting${because(unit)}`)];
    return [];
  });
}

/** Units that run as before, and that nothing will start at the next boot or on request any more. */
export function lostStarts(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  if (before.units === null || after.units === null) return [];
  const index = indexOf(after);
  return Object.values(before.units).flatMap((unit): Difference[] => {
    const now = index.find(unit);
    if (now === null || conditionOf(unit) !== 'running' || conditionOf(now) !== 'running' || comesAndGoes(unit))
      return [];
    const difference = (change: string, message: string): Difference[] => [
      {
        resource: 'unit',
        change,
        name: now.id,
        subject: `unit:${now.id}`,
        message,
        transient: false,
        traits: isRemoved(comparison, unit.id, unit.id, ...unit.names) ? ['removed'] : [],
      },
    ];
    if (unit.load !== 'masked' && now.load === 'masked')
      return difference('masked', `${now.id} runs, but is masked now: nothing can start it again`);
    if (hasNoUser(now, after) && !hasNoUser(unit, before))
      return difference(
        'no-user',
        `${now.id} runs, but its user ${now.user ?? ''} does not exist: it cannot start again`,
      );
    if (!unit.fileState.startsWith('enabled') || now.fileState !== 'disabled') return [];
    if (!longRunning(unit) && !unit.id.endsWith('.timer')) return [];
    if (now.wantedBy.length > 0 || now.triggeredBy.length > 0) return [];
    return difference('disabled', `${now.id} runs, but does not start at boot any more`);
  });
}

function hasNoUser({ user }: Unit, { accounts }: Facts): boolean {
  return user !== undefined && !/^\d+$/.test(user) && accounts != null && !Object.hasOwn(accounts.users, user);
}

/** The service manager itself: it answered before and does not now. */
export function lostManager(before: Facts, after: Facts): FactFinding[] {
  if (before.manager.kind !== 'systemd' || !before.manager.answers) return [];
  if (after.manager.kind === 'systemd' && !after.manager.answers)
    return [required('manager', 'systemd answered before and does not answer now', true)];
  if (after.manager.kind === 'none' || after.manager.kind === 'openrc')
    return [
      required(
        'manager',
        `systemd managed the services before, now ${after.manager.kind === 'none' ? 'nothing does' : 'OpenRC does'}`,
        true,
      ),
    ];
  return [];
}
