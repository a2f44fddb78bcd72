import { grouped, required, type FactFinding } from '../../finding.ts';
import type { Facts, Process } from '../../facts.ts';
import { withoutVersion } from '../unit/state.ts';

/**
 * Long-running processes that vanished: the only sign of a service where nothing manages them. With systemd the units say
 * it better.
 */
export function compareProcesses(before: Facts, after: Facts): FactFinding[] {
  if (before.manager.kind === 'systemd' || before.processes === null || after.processes === null) return [];
  const now = new Set(after.processes.map((process) => withoutVersion(process.name)));
  return [...grouped(lasting(before), (process) => process.name).keys()]
    .filter((name) => !now.has(withoutVersion(name)))
    .map((name) => required(`process:${name}`, `process ${name} was running, is gone`));
}

/**
 * Old enough to be meant to stay: half a minute, or a tenth of the life of an instance that is younger than that needs. What waits
 * for a moment inside a script is another process each time.
 */
function lasting(facts: Facts): readonly Process[] {
  const eldest = Math.max(0, ...(facts.processes ?? []).slice(0, 10_000).map((process) => process.ageMs));
  const least = Math.min(30_000, eldest / 10);
  return (facts.processes ?? []).filter((process) => process.ageMs >= least && !passing.test(process.name));
}

const passing =
  /^(sleep|cat|timeout|getty|agetty|login|sh|ash|dash|bash|su|sudo|less|more|vi|nano|top|CRON|sshd-session)$/;

/** Processes without a service manager that were started anew, all of them, between two looks: a respawn by init, or by hand. */
export function restartedProcesses(baseline: Facts, previous: Facts, current: Facts): FactFinding[] {
  if (current.manager.kind === 'systemd' || previous.processes === null || current.processes === null) return [];
  const meant = new Set(lasting(baseline).map((process) => withoutVersion(process.name)));
  const now = grouped(current.processes, (process) => process.name);
  return [...grouped(previous.processes, (process) => process.name)].flatMap(([name, before]) => {
    const after = now.get(name) ?? [];
    if (!meant.has(withoutVersion(name)) || after.length === 0) return [];
    const same = after.some((one) =>
      before.some((other) => other.pid === one.pid && other.startTicks === one.startTicks),
    );
    return same ? [] : [required(`process:${name}`, `process ${name} was restarted while guard watched`)];
  });
}
