import type { Changes, Outcome, RehearsalStage } from '../event.ts';
import { changesBetween } from '../health/changes.ts';
import { joinReasons } from '../health/verdict.ts';
import { attemptCommand } from '../run/attempt.ts';
import type { WholeAttempt } from '../run/changes/change.ts';
import type { AttemptSubject } from '../run/changes/command.ts';
import { decide, type Decision } from '../run/decision.ts';
import type { Plan } from '../run/plan.ts';
import { restart } from '../run/power.ts';
import { inPhase } from '../run/recorder.ts';
import type { RunTools } from '../run/tools.ts';
import { verify } from '../run/verify.ts';
import type { CopyInterruption } from './interruption.ts';
import type { PackagesMissed } from './package-access.ts';
import { readUnitLogs } from './inside-copy.ts';
import { isUpgradeCommand } from './pending-upgrade.ts';
import { brokenByCopy, unitsOf } from './survival.ts';

/** How the copy came through. */
export interface Judged {
  readonly attempt: WholeAttempt;
  readonly cause: Decision['cause'];
  readonly stage: RehearsalStage;
  readonly changes: Changes | null;
  /** Units that the copy alone may have broken, where nothing else speaks against the change. */
  readonly brokenByCopy: readonly string[];
}

/** The change with its verdict, then a restart with its verdict: upgrades that break at the next boot are found here. */
export async function changeAndRestart(plan: Plan, tools: RunTools, subject: AttemptSubject): Promise<Judged> {
  const attempt = await attemptCommand(plan, tools, subject);
  const { cause } = decide(plan, attempt);
  const { facts } = subject.baseline;
  const changes = facts && attempt.factsAfter ? changesBetween(facts, attempt.factsAfter) : null;
  if (cause !== null) return explained(plan, tools, { attempt, cause, stage: 'change', changes, brokenByCopy: [] });
  await inPhase(
    tools,
    'restart',
    () => restart(tools, plan.instance, plan.limits),
    () => ({ ok: true, message: 'restarted' }),
  );
  const restarted = { kind: 'instance-stopped', restarted: true } as const;
  const { verdict } = await verify(plan, tools, subject.baseline, restarted, plan.limits.soakMs);
  const again = decide(plan, { end: attempt.end, verdict, interruptedBy: tools.interruption.by() });
  const whole = { ...attempt, verdict };
  return explained(plan, tools, { attempt: whole, cause: again.cause, stage: 'restart', changes, brokenByCopy: [] });
}

/** With the units whose logs say that the copy lacks what the instance has. */
async function explained(plan: Plan, tools: RunTools, judged: Judged): Promise<Judged> {
  const reasons = judged.attempt.verdict?.reasons ?? [];
  if (judged.cause !== 'unhealthy' || reasons.length === 0) return judged;
  const logs = await readUnitLogs(tools, plan.instance, unitsOf(reasons));
  return { ...judged, brokenByCopy: brokenByCopy(reasons, logs) };
}

/** What a rehearsal says of the change: no more than the copy could show. `missed` null: it had no network at all. */
export function outcomeOf(
  plan: Pick<Plan, 'command'>,
  { attempt, cause, stage, changes, brokenByCopy: ofCopy }: Judged,
  missed: PackagesMissed | null,
  interruption: CopyInterruption,
): Outcome {
  const gaveUp = interruption.reason();
  if (gaveUp !== null) return inconclusive(gaveUp, 'Free some space in the pool, and rehearse again.');
  if (cause === null) {
    const untried = isUpgradeCommand(plan.command.words) ? untriedFor(missed, changes) : null;
    return untried === null
      ? { outcome: 'rehearsal-passed' }
      : inconclusive(`The pending upgrades could not be tried on the copy, ${untried.what}`, untried.advice);
  }
  if (cause === 'interrupted') return { outcome: 'interrupted', signal: interruption.by() ?? 'SIGTERM' };
  if (cause === 'inconclusive') {
    const reasons = joinReasons(attempt.verdict?.reasons ?? []) || 'nobody answered';
    return inconclusive(
      `The health of the copy could not be determined: ${reasons}.`,
      'See the record of the rehearsal.',
    );
  }
  // A lost connection says nothing of the change, nor does a fault of guard's own.
  if (attempt.end.kind === 'lost')
    return inconclusive(`The result of the command on the copy is unknown: ${attempt.end.message}`, 'Rehearse again.');
  if (ofCopy.length > 0)
    return inconclusive(
      `By their logs these fail on the copy for the outside, or for memory, that it lacks: ${ofCopy.join(', ')}.`,
      'See the record of the rehearsal.',
    );
  // A command that may not reach what it needs fails on every copy: that says nothing of the instance.
  const lacked = attempt.verdict === null ? lackedBy(missed) : null;
  if (lacked !== null) return inconclusive(`The command failed on the copy, ${lacked.what}`, lacked.advice);
  return { outcome: 'rehearsal-failed', cause, stage };
}

/** Why an upgrade that succeeded without a change proves nothing: without its sources nothing is pending. */
function untriedFor(missed: PackagesMissed | null, changes: Changes | null): ReturnType<typeof lackedBy> {
  const isKnown = changes !== null && changes.unknown?.includes('packages') !== true;
  if (isKnown && changes.packages.length > 0) return null;
  return lackedBy(missed === null ? null : { ...missed, refused: [] });
}

/** What the command may have failed for that the instance has; null where the copy lacked nothing. */
function lackedBy(missed: PackagesMissed | null): { readonly what: string; readonly advice: string } | null {
  const ownSources = 'A copy can reach only the hosts of its own package sources.';
  if (missed === null) return { what: 'which has no network.', advice: ownSources };
  const { refused, unreachable, obstacle } = missed;
  if (obstacle !== null)
    return {
      what: `which had no way to its package sources. ${obstacle}`,
      advice: 'Run guard on the machine of the server itself.',
    };
  if (unreachable.length > 0)
    return {
      what: `because package sources could not be reached: ${unreachable.slice(0, 5).join(', ')}.`,
      advice:
        'The machine of guard has to reach them directly: a proxy that the instance is configured to use is not used.',
    };
  if (refused.length > 0) return { what: `which cannot reach ${refused.slice(0, 5).join(', ')}.`, advice: ownSources };
  return null;
}

/** A rehearsal that could not be carried out, or judged. */
export function inconclusive(message: string, advice: string): Outcome {
  return { outcome: 'rehearsal-inconclusive', refusal: { message, advice } };
}
