import type { Facts, Process } from '../facts.ts';

/** Remembers when each unit was last seen at work, so that one that is slow is told from one that does nothing. */
export interface Activity {
  /** Takes in what was seen at `now` (milliseconds of the clock). */
  readonly see: (facts: Facts, now: number) => void;
  /** When any of these units, or any that started since the watch began, was last seen at work: `-Infinity` if never. Without names: anything inside. */
  readonly lastAt: (units: ReadonlySet<string>) => number;
}

/** Processor time from which a process counts as at work: eight hundredths of a core. */
const ticksPerSecond = 8;

export function createActivity(baseline: Facts | null): Activity {
  const lastAt = new Map<string, number>();
  const startedSince = new Set<string>();
  const known = new Map(baseline?.processes?.map((process) => [process.pid, process.startTicks]));
  let previous: { readonly processes: ReadonlyMap<number, Process>; readonly at: number } | null = null;
  let written: Readonly<Record<string, number>> = {};

  function seeProcesses(processes: readonly Process[], now: number): void {
    const seconds = previous === null ? 0 : (now - previous.at) / 1000;
    for (const process of processes) {
      const unit = process.unit ?? '';
      if (known.get(process.pid) !== process.startTicks) startedSince.add(unit);
      if (previous === null) continue;
      const was = previous.processes.get(process.pid);
      const used = (process.cpuTicks ?? 0) - (was?.cpuTicks ?? 0);
      const isNew = was === undefined || was.startTicks !== process.startTicks;
      if (isNew || used >= Math.max(3, ticksPerSecond * seconds)) lastAt.set(unit, now);
    }
    previous = { processes: new Map(processes.map((process) => [process.pid, process])), at: now };
  }

  return {
    see: (facts, now) => {
      seeProcesses(facts.processes ?? [], now);
      for (const unit of Object.values(facts.units ?? {}))
        if (unit.job === true && unit.active !== 'activating') lastAt.set(unit.id, now);
      const { written: counts } = facts.log ?? {};
      if (counts === undefined) return;
      for (const [source, count] of Object.entries(counts))
        if (count > (written[source] ?? count)) lastAt.set(source, now);
      written = counts;
    },
    lastAt: (units) => {
      const names = units.size === 0 ? lastAt.keys() : new Set([...units, ...startedSince]);
      return Math.max(-Infinity, ...[...names].map((name) => lastAt.get(name) ?? -Infinity));
    },
  };
}
