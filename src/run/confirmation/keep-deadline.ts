import { remainingMs } from '../../deadline.ts';
import type { Confirmation } from '../lock/confirmation.ts';
import type { KnownWait, WaitProblem } from './known-wait.ts';
import { awaitOtherGuard, type OtherGuardTools } from './other-guard.ts';
import { mayBeSettledLater, readWait, settleOnInstance, type SettlementTools } from './settlement.ts';

/** What the keeper of a deadline has to do about its run. */
export type KeeperStep =
  /** Nothing before the deadline. `problem`: what somebody did to the change while it waits. */
  | { readonly step: 'wait'; readonly confirmation: Confirmation; readonly problem: WaitProblem | null }
  /** It is settled, or overdue, and nobody else works on it: do what was settled. */
  | { readonly step: 'finish' }
  /** Nothing of it is in flight any more. */
  | { readonly step: 'finished' }
  /** A restore point is in flight, and nothing proves that it is of this run: somebody has to look. */
  | { readonly step: 'unprovable' }
  /** The instance could not be read or written, or another guard has just settled it. */
  | { readonly step: 'look-again' };

/**
 * Looks at a run that waits, and settles it as expired at its deadline. Of all guards that do so one gets `finish`; the others
 * wait for its end, and get `finish` where it dies on the way. `known` is what this host recorded of the run: without a word of
 * somebody else it waits until that deadline, whatever is missing on the instance.
 */
export async function keepDeadline(
  tools: SettlementTools & OtherGuardTools,
  instance: string,
  run: string,
  known: KnownWait | null,
): Promise<KeeperStep> {
  const seen = await readWait(tools.platform, instance, run, known, tools.readClocks);
  if (!seen.ok) return { step: 'look-again' };
  const { wait } = seen.value;
  if (wait.state === 'waiting') {
    const { confirmation, problem } = wait;
    if (remainingMs(confirmation.deadline, tools.readClocks()) > 0) return { step: 'wait', confirmation, problem };
    const settled = await settleOnInstance(tools, instance, run, { kind: 'expire' }, { known });
    if (settled.ok) return { step: isOwn(tools, settled.value) ? 'finish' : 'look-again' };
    // A full pool may refuse the marker, and must not stop the rollback: nobody can write a confirmation either.
    const isUnwritable = settled.error.kind === 'platform' && !mayBeSettledLater(settled.error);
    return { step: isUnwritable ? 'finish' : 'look-again' };
  }
  if (wait.state === 'settled' && isOwn(tools, wait.confirmation)) return { step: 'finish' };
  const end = await awaitOtherGuard(tools, instance, run, known?.createdAt ?? null);
  return { step: stepAfter[end] };
}

const stepAfter = { finished: 'finished', silent: 'finish', unknown: 'unprovable' } as const;

function isOwn({ holder }: SettlementTools, { settledBy }: Confirmation): boolean {
  return settledBy?.id === holder.id;
}
