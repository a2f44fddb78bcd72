import type { CommandEnd, PolicyCause, Signal, Verdict } from '../event.ts';
import { isOkStatus, type Plan, type Policy } from './plan.ts';

/** The result of the command and of its verification. */
export interface Attempt {
  readonly end: CommandEnd;
  /** Null where the command failed, so that nothing was verified. */
  readonly verdict: Verdict | null;
  /** A signal during the attempt. */
  readonly interruptedBy: Signal | null;
  /** The command's end does not count: a person has left a shell and wants to keep what they did. */
  readonly accepted?: boolean;
}

/** The decision of a run. `policy` is what to do for the cause. A run without a cause is kept. */
export type Decision =
  | { readonly cause: null }
  | { readonly cause: 'interrupted'; readonly policy: 'rollback'; readonly signal: Signal }
  | { readonly cause: PolicyCause; readonly policy: Policy };

/** Rolls back unless success is proven. Every result of a command is decided here. */
export function decide(plan: Pick<Plan, 'okStatus' | 'onFailure'>, attempt: Attempt): Decision {
  if (attempt.interruptedBy) return { cause: 'interrupted', policy: 'rollback', signal: attempt.interruptedBy };
  const cause = causeOf(plan, attempt);
  return cause === null ? { cause } : { cause, policy: plan.onFailure[cause] };
}

function causeOf(plan: Pick<Plan, 'okStatus'>, { end, verdict, accepted }: Attempt): PolicyCause | null {
  const failed = failureOf(plan, end);
  if (failed && accepted !== true) return failed;
  // No verdict is no proof.
  if (verdict === null) return 'inconclusive';
  if (verdict.verdict === 'healthy') return null;
  return ranOutOfTime(verdict) ? 'timeout' : verdict.verdict;
}

/** The only required findings are checks that timed out. */
function ranOutOfTime({ verdict, reasons, checks }: Verdict): boolean {
  const late = new Set(checks.flatMap(({ name, timedOut }) => (timedOut ? [`check:${name}`] : [])));
  return verdict === 'unhealthy' && reasons.length > 0 && reasons.every(({ subject }) => late.has(subject));
}

/** The cause that follows from the end of the command; null if the verdict decides. */
export function failureOf(plan: Pick<Plan, 'okStatus'>, end: CommandEnd): 'command' | 'timeout' | null {
  switch (end.kind) {
    case 'exited':
      return isOkStatus(plan, end.status) ? null : 'command';
    case 'instance-stopped':
      // A command that restarts its own instance (`reboot`, a release upgrade) is judged by what runs afterwards.
      return end.restarted && end.cutOff !== true ? null : 'command';
    case 'timeout':
    case 'idle-timeout':
      return 'timeout';
    case 'not-found':
    case 'not-executable':
    case 'lost':
    case 'push-failed':
    case 'interrupted':
      return 'command';
  }
}
