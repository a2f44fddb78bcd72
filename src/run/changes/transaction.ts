import type { Changes, CommandEnd, TransactionStart } from '../../event.ts';
import { ok } from '../../result.ts';
import { failureOf } from '../decision.ts';
import { describeLoss, type LeaseHandle } from '../lock/lease.ts';
import { foreignRestore } from '../rollback/foreign-restore.ts';
import type { Plan } from '../plan.ts';
import type { PreparedRun } from '../prepared-run.ts';
import { inPhase } from '../recorder.ts';
import type { RunTools } from '../tools.ts';
import { verify } from '../verify.ts';
import { nothingSeen, type Change, type WholeAttempt } from './change.ts';
import { commandFingerprint } from './fingerprint.ts';

/** A transaction of a package manager, as its hook announced it. */
export interface Transaction extends TransactionStart {
  /**
   * Called once, when the restore point exists: lets the package manager continue. Another one may join only while `isHeld`
   * confirms that the run still has its restore point and its lock.
   */
  readonly begin: (isHeld: () => Promise<boolean>) => void;
  /** Resolves when its process has ended and its lock is free, the run's limit for the command is reached, or the signal aborts. */
  readonly ended: (signal: AbortSignal) => Promise<TransactionEnd>;
  /** Identifies this change for the quarantine; null if the manager did not announce its packages. */
  readonly fingerprint: string | null;
}

/** How a transaction ended, as far as it was reported. */
export interface TransactionEnd {
  readonly end: CommandEnd;
  /** Whether the package manager reported that it had finished. Otherwise it was aborted or failed. */
  readonly finished: boolean;
}

/** A package manager in the instance has asked and waits for the permission to continue. */
export function transactionChange(transaction: Transaction): Change {
  const { manager, pid, packages } = transaction;
  return {
    executesCommand: false,
    packageManagerWaits: true,
    started: { transaction: { manager, pid, packages } },
    admit: () => ok(undefined),
    attempt: (plan, tools, prepared) => transactionAndVerdict(plan, tools, prepared, transaction),
    quarantine: {
      fingerprint: async (plan, tools) => transaction.fingerprint ?? commandFingerprint(plan, tools),
      retryAdvice:
        'on the host shows why. To run it anyway, use `guard --retry` or change hook.quarantine in guard.yaml.',
    },
  };
}

/**
 * Lets the package manager continue, waits for its end, and verifies the instance. A transaction that was
 * aborted before it changed anything is not a failure. guard compares the instance to distinguish it from one that failed halfway.
 */
async function transactionAndVerdict(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  transaction: Transaction,
): Promise<WholeAttempt> {
  const ended = await letGoOn(plan, tools, prepared, transaction);
  const interruptedBy = tools.interruption.by();
  if (interruptedBy !== null) return { ...nothingSeen, end: ended.end, verdict: null, interruptedBy };
  const failed = failureOf(plan, ended.end) !== null;
  // A failed transaction is observed only once, to see whether it changed anything.
  const { verdict, changes } = await verify(
    plan,
    { ...tools, lease: prepared.lease },
    prepared.baseline,
    ended.end,
    failed ? 0 : plan.limits.soakMs,
  );
  const foreign = verdict.verdict === 'healthy' ? await foreignRestore(plan, tools, prepared) : null;
  const same = foreign === null && verdict.verdict === 'healthy' && isNothing(transaction, changes, failed);
  const now = tools.interruption.by();
  if (!failed)
    return { ...nothingSeen, end: ended.end, verdict: foreign ?? verdict, interruptedBy: now, unchanged: same };
  if (!same) return { ...nothingSeen, end: ended.end, verdict: null, interruptedBy: now };
  await tools.recorder.record({
    type: 'notice',
    level: 'info',
    message: `${transaction.manager} ended without changing anything.`,
  });
  return { ...nothingSeen, end: { kind: 'exited', status: 0 }, verdict, interruptedBy: now, unchanged: true };
}

async function letGoOn(
  plan: Plan,
  tools: RunTools,
  { lease }: PreparedRun,
  transaction: Transaction,
): Promise<TransactionEnd> {
  const began = tools.clock.monotonic();
  const ended = await inPhase(
    tools,
    'command',
    () => beginAndWait(tools, lease, transaction),
    ({ end }) => ({ ok: failureOf(plan, end) === null, message: describeEnd(transaction, end) }),
  );
  await tools.recorder.record({ type: 'command-ended', end: ended.end, ms: tools.clock.monotonic() - began });
  return ended;
}

async function beginAndWait(
  { interruption }: RunTools,
  lease: LeaseHandle,
  transaction: Transaction,
): Promise<TransactionEnd> {
  // Since the last proof the record was written, which can take long.
  const proof = await lease.prove();
  if (!proof.ok) return { end: { kind: 'lost', message: describeLoss(proof.error) }, finished: true };
  transaction.begin(async () => (await lease.prove()).ok);
  return withoutWord(transaction, await transaction.ended(interruption.signal));
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
