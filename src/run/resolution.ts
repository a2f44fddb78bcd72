import type { Cause } from '../event.ts';
import type { Choice, Question } from '../question.ts';
import type { WholeAttempt } from './changes/change.ts';
import { openShell } from './command/shell.ts';
import { decide, type Decision } from './decision.ts';
import { differencesSince } from './differences.ts';
import type { Plan } from './plan.ts';
import type { PreparedRun } from './prepared-run.ts';
import { foreignRestore } from './rollback/foreign-restore.ts';
import type { RunTools } from './tools.ts';
import { verify } from './verify.ts';

/** What becomes of the change. */
export interface Resolution {
  readonly decision: 'keep' | 'rollback';
  /** Null where it is kept because all is well. */
  readonly cause: Cause | null;
  readonly attempt: WholeAttempt;
  /** The command failed, and nothing that guard compares has changed. */
  readonly nothingChanged: boolean;
  /** The person at the terminal has chosen. */
  readonly chosen: boolean;
}

/** Follows the policy of the cause; where a person sits at the terminal, asks where they would want to be asked. */
export async function resolve(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  first: WholeAttempt,
): Promise<Resolution> {
  for (let attempt = first; ;) {
    const decision = decide(plan, attempt);
    const { cause } = decision;
    const settled = { cause, attempt, nothingChanged: false, chosen: false };
    if (cause === null) return { ...settled, decision: 'keep', chosen: attempt.accepted === true };
    if (attempt.choice !== null)
      return { ...settled, cause: causeOfChoice(attempt, cause), decision: attempt.choice, chosen: true };
    const nothingChanged = await mayBeUnchanged(plan, tools, decision, prepared, attempt);
    const question = questionFor(plan, tools, decision, nothingChanged);
    const choice = question === null ? null : await askPerson(plan, tools, question);
    if (choice === 'shell') {
      await openShell(plan, tools, prepared.boot);
      continue;
    }
    if (choice === 'check') {
      attempt = await checkAgain(plan, tools, prepared, attempt);
      continue;
    }
    if (choice === 'keep' || choice === 'rollback')
      return { ...settled, nothingChanged: nothingChanged && choice === 'keep', chosen: true, decision: choice };
    const fallback = nothingChanged ? plan.onUnchanged : policyOf(decision);
    return { ...settled, nothingChanged: nothingChanged && fallback === 'keep', decision: fallback };
  }
}

/** A session that ended without an error and is not wanted was not checked: it counts as a command that failed. */
function causeOfChoice({ choice }: WholeAttempt, cause: Cause): Cause {
  return choice === 'rollback' && cause === 'inconclusive' ? 'command' : cause;
}

/** Nobody who answers in time is a rollback. */
function policyOf(decision: Exclude<Decision, { cause: null }>): 'keep' | 'rollback' {
  return decision.policy === 'keep' ? 'keep' : 'rollback';
}

function questionFor(
  plan: Plan,
  tools: RunTools,
  decision: Exclude<Decision, { cause: null }>,
  nothingChanged: boolean,
): Question | null {
  if (tools.person === null) return null;
  const shell = tools.io.terminal !== null;
  if (nothingChanged) return { kind: 'unchanged', otherwise: plan.onUnchanged, shell };
  return decision.policy === 'ask' ? { kind: 'failed', cause: decision.cause, shell } : null;
}

async function askPerson(plan: Plan, tools: RunTools, question: Question): Promise<Choice | null> {
  return (await tools.person?.ask(question, plan.askMs, tools.interruption.signal)) ?? null;
}

/**
 * Whether a command that failed has changed nothing that guard compares. Looked at only where the answer matters: somebody
 * can be asked, or has configured what to do.
 */
async function mayBeUnchanged(
  plan: Plan,
  tools: RunTools,
  { cause, policy }: Exclude<Decision, { cause: null }>,
  { baseline }: PreparedRun,
  { end, interruptedBy }: WholeAttempt,
): Promise<boolean> {
  // A signal to guard itself always rolls back; Ctrl-C that reached the command is the person's way to decline.
  if (tools.interruption.by() !== null) return false;
  const declined = cause === 'interrupted' && interruptedBy === 'SIGINT';
  const failed = (cause === 'command' && policy !== 'keep') || declined;
  if (!failed || end.kind !== 'exited' || !plan.change.executesCommand || !plan.automatic) return false;
  if (tools.person === null && plan.onUnchanged === 'rollback') return false;
  return (await differencesSince(plan, tools, baseline)).differences.length === 0;
}

/** The command's end stays as it was; what is seen of the instance is new. */
async function checkAgain(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  attempt: WholeAttempt,
): Promise<WholeAttempt> {
  const { baseline, lease } = prepared;
  const { verdict, facts, interruptedBy, choice } = await verify(
    plan,
    { ...tools, lease },
    baseline,
    attempt.end,
    plan.limits.soakMs,
  );
  const foreign = verdict.verdict === 'healthy' ? await foreignRestore(plan, tools, prepared) : null;
  return { ...attempt, verdict: foreign ?? verdict, factsAfter: facts, interruptedBy, choice };
}
