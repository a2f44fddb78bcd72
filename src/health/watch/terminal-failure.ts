import { formatDuration } from '../../duration.ts';
import type { Facts, Unit } from '../facts.ts';
import type { Observation } from '../observation.ts';
import type { Concern } from '../verdict.ts';
import { createActivity } from './activity.ts';

/** Detects failures that cannot resolve by themselves, so that guard does not wait until the limit. */
export interface TerminalFailures {
  /** Why waiting longer is in vain, by all observations up to this one (at `now`, milliseconds of the clock); null while it is not. */
  readonly unrecoverable: (look: Observation, concerns: readonly Concern[], now: number) => string | null;
  /** Whether something that is waited for was seen at work within the last moments. */
  readonly isWorking: (look: Observation, concerns: readonly Concern[], now: number) => boolean;
}

/** How long it must have been so, in milliseconds. */
const limits = {
  /** A state that nothing ends by itself. */
  final: 3000,
  /** Up, idle, and otherwise than before. */
  different: 10_000,
  /** Up, idle and silent: slow starters that only sleep are given this. */
  silent: 30_000,
  stopped: 10_000,
} as const;

/** How often a unit must have restarted since the watch began to be called looping, and after how long fewer are enough. */
const loops = { most: 5, fewer: 3, fewerAfterMs: 20_000 } as const;

/** What a process that works may still bring about. Whatever else is not as it was does not become so by work that can be seen. */
const isAtWork = /^(unit|socket|answer|program|process|queue):/;

/** How long ago work is still work, in milliseconds. */
const workingMs = 10_000;

/**
 * In vain is waiting for: an instance that stays stopped; a unit that is failed, stopped, masked or gone, and everything else that does not
 * change by itself, while no job is queued and nothing that the command left is at work; a unit that restarts again and again; a service that is up and idle and answers
 * otherwise than before, or says nothing. What visibly works is waited for.
 */
export function createTerminalFailures(baseline: Facts | null, startedAt: number): TerminalFailures {
  const since = new Map<string, number>();
  const activity = createActivity(baseline);
  const restarts = createRestartCounts(startedAt);

  function remember(concerns: readonly Concern[], now: number): void {
    const present = new Set(concerns.map(keyOf));
    for (const known of since.keys()) if (!present.has(known)) since.delete(known);
    for (const key of present) if (!since.has(key)) since.set(key, now);
  }

  const ageOf = (concern: Concern, now: number): number => now - (since.get(keyOf(concern)) ?? now);

  function reasonFor(concern: Concern, look: Observation, now: number): string | null {
    const { facts } = look;
    const age = ageOf(concern, now);
    if (look.state.kind === 'not-running')
      return age >= limits.stopped ? `the instance has been stopped for ${formatDuration(limits.stopped)}` : null;
    if (facts === null || concern.subject.startsWith('check:')) return null;
    const idleMs = isAtWork.test(concern.subject)
      ? Math.min(age, now - Math.max(startedAt, activity.lastAt(unitsOf(concern, baseline, facts))))
      : age;
    if (!concern.transient && age >= limits.final && !mayStillStart(concern, baseline, facts))
      return `no queued or running job will change it`;
    // What it waits for may be another unit that is still starting.
    if (startsAnother(concern, baseline, facts)) return null;
    if (concern.different === true && idleMs >= limits.different)
      return `this has not changed for ${formatDuration(limits.different)}, and nothing is working on it`;
    return idleMs >= limits.silent ? `nothing has been working on it for ${formatDuration(limits.silent)}` : null;
  }

  return {
    unrecoverable: (look, concerns, now) => {
      const failing = concerns.filter((concern) => concern.effect === 'fail');
      remember(failing, now);
      if (look.facts !== null) {
        activity.see(look.facts, now);
        const looping = restarts.looping(look.facts, failing, now);
        if (looping !== null) return looping;
      }
      for (const concern of failing) {
        const reason = reasonFor(concern, look, now);
        if (reason !== null) return reason;
      }
      return null;
    },
    isWorking: ({ facts }, concerns, now) =>
      facts !== null &&
      concerns.some(
        (concern) =>
          concern.effect === 'fail' &&
          isAtWork.test(concern.subject) &&
          now - activity.lastAt(unitsOf(concern, baseline, facts)) < workingMs,
      ),
  };
}

/** The state of a unit changes its sentence, but not its counts of restarts. */
function keyOf({ subject, message }: Concern): string {
  return `${subject} ${message.replace(/\d+/g, '#')}`;
}

/** The units that could end a concern by working. */
function unitsOf({ subject }: Concern, before: Facts | null, after: Facts): ReadonlySet<string> {
  const [, kind, name = ''] = /^(\w+):(.*)$/.exec(subject) ?? [];
  if (kind === 'unit') return new Set([name]);
  if (kind !== 'socket' && kind !== 'answer') return new Set([subject]);
  const port = /^(tcp|udp)\/(\d+)/.exec(name)?.[0];
  const owners = [before, after].flatMap((facts) => [
    ...(facts?.sockets ?? [])
      .filter((socket) => `${socket.protocol}/${socket.port}` === port)
      .map(({ owner }) => owner?.unit),
    ...(facts?.unixSockets ?? []).filter(({ path }) => path === name).map(({ owner }) => owner?.unit),
  ]);
  return new Set(owners.flatMap((unit) => unit ?? []));
}

/** Whether a unit other than the one concerned is starting, and was not before. */
function startsAnother({ subject }: Concern, before: Facts | null, { units }: Facts): boolean {
  return Object.values(units ?? {}).some(
    ({ id, active, sub }) =>
      active === 'activating' &&
      !sub.startsWith('auto-restart') &&
      subject !== `unit:${id}` &&
      before?.units?.[id]?.active !== 'activating',
  );
}

/** A job is queued, something triggers it, a package manager works, or the command left something that runs. */
function mayStillStart({ subject }: Concern, before: Facts | null, facts: Facts): boolean {
  const unit = facts.units?.[subject.slice('unit:'.length)];
  if (subject.startsWith('unit:') && unit !== undefined) {
    if (unit.job === true || unit.active === 'activating' || unit.active === 'deactivating') return true;
    if (unit.triggeredBy.some((by) => facts.units?.[by]?.active === 'active')) return true;
  }
  const known = new Set(before?.processes?.map(({ pid, startTicks }) => `${pid} ${startTicks}`));
  const leftover = facts.processes?.some(
    ({ pid, startTicks, unit: of, name }) =>
      packageManagers.test(name) ||
      (of === null && !known.has(`${pid} ${startTicks}`)) ||
      (of?.startsWith('run-') ?? false),
  );
  const timers = Object.values(facts.units ?? {}).some(
    ({ id, active }) => /^run-.*\.timer$/.test(id) && active === 'active',
  );
  return (leftover ?? false) || timers;
}

const packageManagers =
  /^(dpkg|apt|apt-get|aptitude|unattended-upgr|rpm|dnf|dnf5|yum|zypper|apk|pacman|needrestart|cloud-init)$/;

/** Counts restarts of each unit since the watch began, whatever each observation meets. */
function createRestartCounts(startedAt: number): {
  readonly looping: (facts: Facts, failing: readonly Concern[], now: number) => string | null;
} {
  const first = new Map<string, number>();
  const invocations = new Map<string, Set<string>>();

  function restartsOf(unit: Unit): number {
    if (!first.has(unit.id)) first.set(unit.id, unit.restarts);
    const known = invocations.get(unit.id) ?? new Set();
    if (unit.invocation !== '') known.add(unit.invocation);
    invocations.set(unit.id, known);
    return unit.restarts - (first.get(unit.id) ?? unit.restarts);
  }

  return {
    looping: (facts, failing, now) => {
      const units = Object.values(facts.units ?? {});
      const counts = new Map(units.map((unit) => [unit.id, restartsOf(unit)]));
      const blamed = units.filter(({ id }) => failing.some(({ subject }) => subject === `unit:${id}`));
      const enough = now - startedAt >= loops.fewerAfterMs ? loops.fewer : loops.most;
      const looping = blamed.filter(({ id }) => (counts.get(id) ?? 0) >= enough);
      // One that waits for another to come up may restart until then.
      const others = units.some(
        (unit) =>
          (unit.active === 'activating' || unit.active === 'reloading') &&
          !unit.sub.startsWith('auto-restart') &&
          (counts.get(unit.id) ?? 0) === 0,
      );
      const [one] = looping;
      return one === undefined || others
        ? null
        : `${one.id} has restarted ${counts.get(one.id) ?? 0} times since the command, always with the same result`;
    },
  };
}
