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

/** How the copy came through. */
export interface Judged {
  readonly attempt: WholeAttempt;
  readonly cause: Decision['cause'];
  readonly stage: RehearsalStage;
  readonly changes: Changes | null;
}

/** The change with its verdict, then a restart with its verdict: upgrades that break at the next boot are found here. */
export async function changeAndRestart(plan: Plan, tools: RunTools, subject: AttemptSubject): Promise<Judged> {
  const attempt = await attemptCommand(plan, tools, subject);
  const { cause } = decide(plan, attempt);
  const { facts } = subject.baseline;
  const changes = facts && attempt.factsAfter ? changesBetween(facts, attempt.factsAfter) : null;
  if (cause !== null) return { attempt, cause, stage: 'change', changes };
  await inPhase(
    tools,
    'restart',
    () => restart(tools, plan.instance, plan.limits),
    () => ({ ok: true, message: 'restarted' }),
  );
  const restarted = { kind: 'instance-stopped', restarted: true } as const;
  const { verdict } = await verify(plan, tools, subject.baseline, restarted, plan.limits.soakMs);
  const again = decide(plan, { end: attempt.end, verdict, interruptedBy: tools.interruption.by() });
  return { attempt: { ...attempt, verdict }, cause: again.cause, stage: 'restart', changes };
}

/** What the copy could not reach: null where it had no way to package sources at all. */
export type RefusedHosts = readonly string[] | null;

/** What a rehearsal says of the change: no more than the copy could show. */
export function outcomeOf(
  { attempt, cause, stage }: Judged,
  refusedHosts: RefusedHosts,
  interruption: CopyInterruption,
): Outcome {
  const gaveUp = interruption.reason();
  if (gaveUp !== null) return inconclusive(gaveUp, 'Free some space in the pool, and rehearse again.');
  if (cause === null) return { outcome: 'rehearsal-passed' };
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
  // A command that may not reach what it needs fails on every copy: that says nothing of the instance.
  if (attempt.verdict === null && (refusedHosts === null || refusedHosts.length > 0))
    return inconclusive(
      refusedHosts === null
        ? 'The command failed on the copy, which has no network.'
        : `The command failed on the copy, which cannot reach ${refusedHosts.slice(0, 5).join(', ')}.`,
      'A copy can reach only the hosts of its own package sources.',
    );
  return { outcome: 'rehearsal-failed', cause, stage };
}

/** A rehearsal that could not be carried out, or judged. */
export function inconclusive(message: string, advice: string): Outcome {
  return { outcome: 'rehearsal-inconclusive', refusal: { message, advice } };
}
