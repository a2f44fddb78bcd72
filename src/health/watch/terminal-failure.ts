import type { Facts, Unit } from '../facts.ts';
import type { Observation } from '../observation.ts';
import type { Concern } from '../verdict.ts';

/** Notices what can no longer heal by itself, so that nobody waits out the whole limit for it. */
export interface TerminalFailures {
  /** Returns whether, by all looks up to this one (at `now`, milliseconds of the clock), waiting longer is in vain. */
  readonly isUnrecoverable: (look: Observation, concerns: readonly Concern[], now: number) => boolean;
}

/** How long it must have been so, in milliseconds. */
const limits = { failed: 10_000, stopped: 10_000, looping: 30_000 };

/** How often a unit must have restarted since the watch began to be called looping. */
const fewestRestarts = 5;

/**
 * Hopeless are: an instance that stays stopped; a unit in the state `failed` that nothing triggers (systemd does not
 * start it again by itself); a unit that restarts again and again while no other unit is still starting. Anything else,
 * such as a service that is slow to listen, has until the limit.
 */
export function createTerminalFailures(): TerminalFailures {
  const since = new Map<string, number>();
  const firstRestarts = new Map<string, number>();

  /** How long each of these has been so without a gap, the longest of them. */
  function longest(kind: string, keys: readonly string[], now: number): number {
    const present = new Set(keys.map((key) => `${kind} ${key}`));
    for (const known of since.keys()) if (known.startsWith(`${kind} `) && !present.has(known)) since.delete(known);
    for (const key of present) if (!since.has(key)) since.set(key, now);
    return Math.max(-1, ...[...present].map((key) => now - (since.get(key) ?? now)));
  }

  function looping(units: readonly Unit[], facts: Facts | null): string[] {
    const ids = units.filter((unit) => restartsSince(unit) >= fewestRestarts).map(({ id }) => id);
    const othersStart = Object.values(facts?.units ?? {}).some(
      (unit) => (unit.active === 'activating' || unit.active === 'reloading') && !ids.includes(unit.id),
    );
    return othersStart ? [] : ids;
  }

  function restartsSince(unit: Unit): number {
    const first = firstRestarts.get(unit.id);
    if (first === undefined) firstRestarts.set(unit.id, unit.restarts);
    return unit.restarts - (first ?? unit.restarts);
  }

  return {
    isUnrecoverable: (look, concerns, now) => {
      const blamed = blamedUnits(look, concerns);
      const failed = blamed.filter((unit) => unit.active === 'failed' && unit.triggeredBy.length === 0);
      const stopped = look.state.kind === 'not-running' ? ['instance'] : [];
      // All three, so that each forgets what is no longer so.
      const durations = {
        failed: longest(
          'failed',
          failed.map((unit) => `${unit.id} ${unit.invocation} ${unit.restarts}`),
          now,
        ),
        stopped: longest('stopped', stopped, now),
        looping: longest('looping', looping(blamed, look.facts), now),
      };
      return (
        durations.failed >= limits.failed || durations.stopped >= limits.stopped || durations.looping >= limits.looping
      );
    },
  };
}

/** The units that required findings are about. */
function blamedUnits(look: Observation, concerns: readonly Concern[]): Unit[] {
  const units = look.facts?.units ?? {};
  return concerns
    .filter((concern) => concern.effect === 'fail' && concern.subject.startsWith('unit:'))
    .flatMap((concern) => units[concern.subject.slice('unit:'.length)] ?? []);
}
