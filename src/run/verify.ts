import type { Changes, CommandEnd, Signal, Verdict } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { changesBetween } from '../health/changes.ts';
import { comparesNothing } from '../health/coverage.ts';
import type { Facts } from '../health/facts.ts';
import { watch, type WatchEnd } from '../health/watch/watch.ts';
import type { Plan } from './plan.ts';
import { recordUnitLogs } from './evidence/unit-log.ts';
import type { LeaseHandle } from './lock/lease.ts';
import { restart } from './power.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';

/** The result of the verification after a change. */
export interface Verification {
  readonly verdict: Verdict;
  /** Null if it could not be observed before and after. */
  readonly changes: Changes | null;
  /** The facts of the deciding observation; null if there were none. */
  readonly facts: Facts | null;
  /** A signal, or Ctrl-C with the choice to end the check. */
  readonly interruptedBy: Signal | null;
  /** What the person at the terminal chose after Ctrl-C, where they ended the check. */
  readonly choice: 'keep' | 'rollback' | null;
}

/** Restarts the instance where that is asked for, under the lease of the run. Observes it after the change, compares it with its baseline, and reports what changed. `soakMs`: how long it must stay healthy. */
export async function verify(
  plan: Plan,
  tools: RunTools & { readonly lease?: LeaseHandle | null },
  baseline: Baseline,
  end: CommandEnd,
  soakMs: number,
): Promise<Verification> {
  const { verdict, look, observations, interruptedBy, choice } = await inPhase(
    tools,
    'verify',
    async () => {
      if (plan.restart) await restart(tools, plan.instance, plan.limits);
      return watchAttended(plan, tools, (signal) =>
        watch(
          { platform: tools.platform, instance: plan.instance, clock: tools.clock, signal },
          baseline,
          {
            limitMs: plan.limits.verifyMs,
            soakMs,
            restarted: plan.restart || end.kind === 'instance-stopped',
            command: plan.command.words,
          },
          (waitingFor, healthyForMs) =>
            void tools.recorder.show({
              type: 'watch-progress',
              waitingFor,
              healthyForMs,
              limitMs: plan.limits.verifyMs,
              soakMs,
            }),
        ),
      );
    },
    ({ verdict, interruptedBy }) => ({
      ok: verdict.verdict === 'healthy',
      message: describeEnd(verdict, baseline, interruptedBy !== null),
    }),
  );
  await tools.recorder.record({ type: 'watch-observed', observations });
  if (verdict.verdict === 'unhealthy') await recordUnitLogs(plan, tools, verdict, baseline.facts?.observedAt ?? null);
  await tools.recorder.record({ type: 'verdict', verdict, afterRollback: false });
  const changes = baseline.facts && look.facts ? changesBetween(baseline.facts, look.facts) : null;
  if (changes) await tools.recorder.record({ type: 'changes', changes });
  return { verdict, changes, facts: look.facts, interruptedBy, choice };
}

function describeEnd(verdict: Verdict, baseline: Baseline, isInterrupted: boolean): string {
  if (isInterrupted) return 'interrupted';
  const isUnproven = verdict.checks.length === 0 && (!baseline.automatic || comparesNothing(baseline.facts));
  return verdict.verdict === 'healthy' && isUnproven ? 'nothing was compared or checked' : verdict.verdict;
}

/** At a terminal Ctrl-C asks, while the check goes on; a second one, or no answer, rolls back. */
async function watchAttended(
  plan: Plan,
  tools: RunTools,
  begin: (signal: AbortSignal) => Promise<WatchEnd>,
): Promise<WatchEnd & Pick<Verification, 'interruptedBy' | 'choice'>> {
  const { person, interruption } = tools;
  const stopped = new AbortController();
  const over = new AbortController();
  let choice: Verification['choice'] = null;
  let release = (): void => {};
  const consult = async (): Promise<void> => {
    const signal = AbortSignal.any([over.signal, interruption.signal]);
    const answer = await person?.ask({ kind: 'check-interrupted' }, plan.askMs, signal);
    if (over.signal.aborted) return;
    if (answer === 'continue') return listen();
    choice = answer === 'keep' ? 'keep' : 'rollback';
    stopped.abort();
  };
  const listen = (): void => {
    release = interruption.intercept(() => void consult());
  };
  if (person !== null) listen();
  try {
    const end = await begin(AbortSignal.any([interruption.signal, stopped.signal]));
    return { ...end, interruptedBy: interruption.by() ?? (choice === null ? null : 'SIGINT'), choice };
  } finally {
    over.abort();
    release();
  }
}
