import { assignWaves } from '../../src/rollout/planner.ts';
import { simulate } from '../rollout/simulation.ts';

/** What one kept run costs, as measured on the test's Incus: see docs/how-to/rollouts.md. */
interface RunCost {
  readonly ms: number;
  readonly requests: number;
  readonly kilobytes: number;
}

const cost: RunCost = {
  ms: Number(process.env['GUARD_RUN_MS'] ?? 12_000),
  requests: Number(process.env['GUARD_RUN_REQUESTS'] ?? 43),
  kilobytes: Number(process.env['GUARD_RUN_KB'] ?? 283),
};

const fleets = [
  [100, 1],
  [1000, 10],
  [10_000, 50],
] as const;

/** How fast a rollout goes, and what it asks of its servers, by the planner's own decisions. */
function row(instances: number, servers: number, percent: number): string {
  const settings = {
    maxParallel: { percent },
    canary: 1,
    pauseMs: 0,
    maxFailures: { percent: 1 },
    allOrNothing: false,
    confirms: false,
  };
  const members = assignWaves(
    Array.from({ length: instances }, (_, index) => ({
      id: `c${index}`,
      group: null,
      state: 'pending' as const,
      accepted: false,
    })),
    settings,
  );
  // One in a hundred takes ten times as long.
  const behaviour = (id: string) =>
    ({ ms: Number(id.slice(1)) % 100 === 50 ? cost.ms * 10 : cost.ms, ends: 'kept', revertFails: false }) as const;
  const seen = simulate({ settings, members, total: instances, waveEndedAt: null, halt: null }, behaviour);
  const minutes = seen.ms / 60_000;
  const perSecond = (instances * cost.requests) / (seen.ms / 1000) / servers;
  return `| ${instances} | ${servers} | ${percent}% (${seen.mostAtOnce}) | ${minutes.toFixed(1)} | ${instances * cost.requests} | ${((instances * cost.kilobytes) / 1024).toFixed(0)} | ${perSecond.toFixed(1)} |`;
}

console.log('| instances | servers | at once | minutes | requests | megabytes | requests a second and server |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const [instances, servers] of fleets)
  for (const percent of [1, 5, 10]) console.log(row(instances, servers, percent));
