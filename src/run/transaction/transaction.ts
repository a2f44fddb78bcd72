import type { Changes, CommandEnd } from '../../event.ts';
import { failureOf, type Attempt } from '../decision.ts';
import { foreignRestore } from '../rollback/foreign-restore.ts';
import type { Plan, Transaction, TransactionEnd } from '../plan.ts';
import type { PreparedRun } from '../prepare.ts';
import { inPhase } from '../recorder.ts';
import type { RunTools } from '../tools.ts';
import { verify } from '../verify.ts';

/** An attempt that may have changed nothing. */
export interface TransactionAttempt extends Attempt {
  /** Nothing was changed, so there is nothing to roll back. */
  readonly unchanged: boolean;
}

/**
 * Lets the package manager continue, waits for its end, and verifies the instance. A transaction that was
 * aborted before it changed anything is not a failure. guard compares the instance to distinguish it from one that failed halfway.
 */
export async function transactionAndVerdict(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  transaction: Transaction,
): Promise<TransactionAttempt> {
  const ended = await letGoOn(plan, tools, transaction);
  const interruptedBy = tools.interruption.by();
  if (interruptedBy !== null) return { end: ended.end, verdict: null, interruptedBy, unchanged: false };
  const failed = failureOf(plan, ended.end) !== null;
  // A failed transaction is observed only once, to see whether it changed anything.
  const { verdict, changes } = await verify(plan, tools, prepared.baseline, ended.end, failed ? 0 : plan.limits.soakMs);
  const foreign = verdict.verdict === 'healthy' ? await foreignRestore(plan, tools, prepared.inspected.instance) : null;
  const same = foreign === null && verdict.verdict === 'healthy' && isNothing(transaction, changes, failed);
  const now = tools.interruption.by();
  if (!failed) return { end: ended.end, verdict: foreign ?? verdict, interruptedBy: now, unchanged: same };
  if (!same) return { end: ended.end, verdict: null, interruptedBy: now, unchanged: false };
  await tools.recorder.record({
    type: 'notice',
    level: 'info',
    message: `${transaction.manager} ended without changing anything.`,
  });
  return { end: { kind: 'exited', status: 0 }, verdict, interruptedBy: now, unchanged: true };
}

async function letGoOn(plan: Plan, tools: RunTools, transaction: Transaction): Promise<TransactionEnd> {
  const began = tools.clock.monotonic();
  const ended = await inPhase(
    tools,
    'command',
    async () => {
      transaction.begin();
      return withoutWord(transaction, await transaction.ended());
    },
    ({ end }) => ({ ok: failureOf(plan, end) === null, message: describeEnd(transaction, end) }),
  );
  await tools.recorder.record({ type: 'command-ended', end: ended.end, ms: tools.clock.monotonic() - began });
  return ended;
}

/** The status is unknown if the transaction did not report its end. */
function withoutWord({ manager }: Transaction, ended: TransactionEnd): TransactionEnd {
  return ended.finished || ended.end.kind !== 'exited'
    ? ended
    : { ...ended, end: { kind: 'lost', message: `${manager} ended without reporting that it had finished.` } };
}

function describeEnd({ manager }: Transaction, end: CommandEnd): string {
  if (end.kind === 'exited') return end.status === 0 ? `${manager} has finished` : `${manager}: status ${end.status}`;
  return end.kind === 'lost' ? end.message : end.kind;
}

/** A manager that announced packages and finished has changed something, even if the files are equal. */
function isNothing({ packages }: Transaction, changes: Changes | null, failed: boolean): boolean {
  if (changes === null || changes.unknown?.includes('packages') || changes.packages.length > 0) return false;
  return failed || packages === null || packages === 0;
}
