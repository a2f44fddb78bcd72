import { formatStack } from '../internal-error.ts';
import { runCommand } from './command/command.ts';
import { failureOf, type Attempt } from './decision.ts';
import { foreignRestore } from './rollback/foreign-restore.ts';
import { hintFor } from './command/hint.ts';
import type { Facts } from '../health/facts.ts';
import type { Inspection } from './inspect.ts';
import type { Plan } from './plan.ts';
import type { PreparedRun } from './prepare.ts';
import { pushFiles } from './push/push.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';
import { transactionAndVerdict } from './transaction/transaction.ts';
import { verify } from './verify.ts';
import { rollBackAndVerify } from './rollback/rollback-run.ts';

/** The result of an attempt, with the data for its evidence. */
export interface WholeAttempt extends Attempt {
  /** The end of what the command wrote; null where guard itself failed. */
  readonly output: string | null;
  /** The facts of the deciding observation; null if there was none. */
  readonly factsAfter: Facts | null;
  /** Nothing was changed, so no restore point is needed. */
  readonly unchanged: boolean;
}

const nothingSeen = { output: null, factsAfter: null } as const;

/** What an attempt knows of the instance that it changes: the user's own, or its copy in a rehearsal. */
export type AttemptSubject = Pick<PreparedRun, 'baseline' | 'boot'> & {
  readonly inspected: Pick<Inspection, 'instance'>;
};

/** Every failure in here leads to a decision (F10). */
export function attemptChange(plan: Plan, tools: RunTools, prepared: PreparedRun): Promise<WholeAttempt> {
  return withoutException(tools, () => changeAndVerdict(plan, tools, prepared));
}

/** The same for a command without a restore point, for the copy of a rehearsal. */
export function attemptCommand(plan: Plan, tools: RunTools, subject: AttemptSubject): Promise<WholeAttempt> {
  return withoutException(tools, async () => ({
    ...(await commandAndVerdict(plan, tools, subject)),
    unchanged: false,
  }));
}

async function withoutException(tools: RunTools, attempt: () => Promise<WholeAttempt>): Promise<WholeAttempt> {
  try {
    return await attempt();
  } catch (bug) {
    const message = `guard itself failed: ${formatStack(bug)}`;
    await tools.recorder.record({ type: 'notice', level: 'warning', message });
    return {
      end: { kind: 'lost', message },
      verdict: null,
      interruptedBy: tools.interruption.by(),
      ...nothingSeen,
      unchanged: false,
    };
  }
}

async function changeAndVerdict(plan: Plan, tools: RunTools, prepared: PreparedRun): Promise<WholeAttempt> {
  const { change } = plan;
  switch (change.kind) {
    case 'command':
      return { ...(await commandAndVerdict(plan, tools, prepared)), unchanged: false };
    case 'return':
      return {
        ...(await rollBackAndVerify(plan, tools, prepared, change.to)),
        output: null,
        factsAfter: null,
        unchanged: false,
      };
    case 'transaction':
      return { ...(await transactionAndVerdict(plan, tools, prepared, change.transaction)), ...nothingSeen };
  }
}

async function commandAndVerdict(
  plan: Plan,
  tools: RunTools,
  prepared: AttemptSubject,
): Promise<Omit<WholeAttempt, 'unchanged'>> {
  const notBegun = plan.pushes.length === 0 ? null : await pushFiles(plan, tools, prepared.boot);
  if (notBegun !== null) {
    await tools.recorder.record({ type: 'command-ended', end: notBegun, ms: 0 });
    return { end: notBegun, verdict: null, interruptedBy: tools.interruption.by(), output: '', factsAfter: null };
  }
  const report = await inPhase(
    tools,
    'command',
    () => runCommand(plan, tools, prepared.boot),
    ({ end }) => ({
      ok: failureOf(plan, end) === null,
      message: end.kind === 'exited' ? `exit status ${end.status}` : end.kind,
    }),
  );
  const { end, tail: output } = report;
  await tools.recorder.record({ type: 'command-ended', end, ms: report.ms });
  const hint = hintFor(plan.command.words, end, output, tools.io.terminal !== null);
  if (hint) await tools.recorder.record({ type: 'notice', level: 'info', message: hint });

  const interruptedBy = tools.interruption.by();
  if (interruptedBy !== null || failureOf(plan, end) !== null)
    return { end, verdict: null, interruptedBy, output, factsAfter: null };
  const { verdict, facts } = await verify(plan, tools, prepared.baseline, end, plan.limits.soakMs);
  const foreign = verdict.verdict === 'healthy' ? await foreignRestore(plan, tools, prepared.inspected.instance) : null;
  return { end, verdict: foreign ?? verdict, interruptedBy: tools.interruption.by(), output, factsAfter: facts };
}
