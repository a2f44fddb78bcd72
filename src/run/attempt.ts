import { formatStack } from '../internal-error.ts';
import { runCommand } from './command/command.ts';
import { failureOf, type Attempt } from './decision.ts';
import { foreignRestore } from './rollback/foreign-restore.ts';
import { hintFor } from './command/hint.ts';
import { changesBetween } from '../health/changes.ts';
import type { Facts } from '../health/facts.ts';
import type { Inspection } from './inspect.ts';
import type { Plan } from './plan.ts';
import type { PreparedRun } from './prepare.ts';
import { pushFiles } from './push/push.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';
import { transactionAndVerdict } from './transaction/transaction.ts';
import { isShellSession } from './command/shell.ts';
import { differencesSince } from './resolution.ts';
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
  /** What the person at the terminal has chosen already; null where they have not. */
  readonly choice: 'keep' | 'rollback' | null;
}

const nothingSeen = { output: null, factsAfter: null, choice: null } as const;

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
        ...nothingSeen,
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
    return { ...nothingSeen, end: notBegun, verdict: null, interruptedBy: tools.interruption.by(), output: '' };
  }
  const { end, output, isDeclined, choice } = isShellSession(plan, tools)
    ? await runSession(plan, tools, prepared)
    : { ...(await runRecorded(plan, tools, prepared)), choice: null };

  const interruptedBy = tools.interruption.by() ?? (isDeclined ? 'SIGINT' : null);
  const seen = {
    ...nothingSeen,
    end,
    verdict: null,
    interruptedBy,
    output,
    choice: choice === 'rollback' ? choice : null,
  };
  const accepted = choice === 'keep';
  if (interruptedBy !== null || choice === 'rollback' || (failureOf(plan, end) !== null && !accepted)) return seen;
  const verified = await verify(plan, tools, prepared.baseline, end, plan.limits.soakMs);
  const { verdict, facts } = verified;
  const foreign = verdict.verdict === 'healthy' ? await foreignRestore(plan, tools, prepared.inspected.instance) : null;
  return {
    ...seen,
    verdict: foreign ?? verdict,
    interruptedBy: verified.interruptedBy,
    choice: verified.choice,
    factsAfter: facts,
    accepted,
  };
}

/** The command, from its phase to its end in the record. */
async function runRecorded(plan: Plan, tools: RunTools, prepared: AttemptSubject, isSession = false) {
  const { end, tail, ms, isDeclined } = await inPhase(
    tools,
    'command',
    () => runCommand(plan, tools, prepared.boot),
    ({ end }) => ({
      ok: failureOf(plan, end) === null || (isSession && end.kind === 'exited'),
      message: end.kind !== 'exited' ? end.kind : isSession ? 'the shell ended' : `exit status ${end.status}`,
    }),
  );
  await tools.recorder.record({ type: 'command-ended', end, ms });
  if (end.kind === 'exited' && end.outputLost === true)
    await tools.recorder.record({ type: 'notice', level: 'warning', message: describeLostOutput(tools) });
  const hint = hintFor(plan.command.words, end, tail, tools.io.terminal !== null);
  if (hint) await tools.recorder.record({ type: 'notice', level: 'info', message: hint });
  return { end, output: tail, isDeclined };
}

function describeLostOutput({ platform }: RunTools): string {
  return `${platform.product} lost a part of the output of the command. Its exit status is known.`;
}

/**
 * A shell in which a person works. Its exit status is that of the last command they typed, which says nothing about the rest:
 * they are asked.
 */
async function runSession(plan: Plan, tools: RunTools, prepared: AttemptSubject) {
  for (;;) {
    const { end, output } = await runRecorded(plan, tools, prepared, true);
    const asked = { end, output, isDeclined: false };
    if (end.kind !== 'exited' || tools.interruption.by() !== null) return { ...asked, choice: null };
    const { differences, facts } = await differencesSince(plan, tools, prepared.baseline);
    const before = prepared.baseline.facts;
    const changes = before === null || facts === null ? null : changesBetween(before, facts);
    if (changes !== null) await tools.recorder.record({ type: 'changes', changes });
    const choice =
      (await tools.person?.ask({ kind: 'session', changes, differences }, plan.askMs, tools.interruption.signal)) ??
      null;
    if (choice !== 'shell') return { ...asked, choice: choice === 'keep' ? ('keep' as const) : ('rollback' as const) };
  }
}
