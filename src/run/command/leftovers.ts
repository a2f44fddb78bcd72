import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

const limitMs = 10_000;

/**
 * Ends what a command left running inside: an exec that is given up kills its direct child only (docs/internals/incus.md, Exec).
 * Every process of the run carries its id in the environment, whatever it did to its session or parent.
 */
export async function endLeftovers(
  plan: Pick<Plan, 'instance' | 'run'>,
  tools: Pick<RunTools, 'platform'>,
): Promise<void> {
  return endProcessesWith(tools, plan.instance, `GUARD_RUN=${plan.run}`);
}

/** Kills every process inside that has `NAME=value` in its environment. */
export async function endProcessesWith(
  tools: Pick<RunTools, 'platform'>,
  instance: string,
  variable: string,
): Promise<void> {
  await tools.platform.query(instance, {
    command: ['sh', '-c', script, 'guard', variable],
    limitMs,
    maxBytes: 4096,
  });
}

/** Twice, so that a child forked during the first pass is found in the second. */
const script = `
for pass in 1 2; do
  for environment in /proc/[0-9]*/environ; do
    if tr '\\0' '\\n' <"$environment" 2>/dev/null | grep -qxF "$1"; then
      pid=\${environment#/proc/}
      kill -9 "\${pid%/environ}" 2>/dev/null
    fi
  done
done
:`;
