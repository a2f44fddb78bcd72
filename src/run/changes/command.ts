import { changesBetween } from '../../health/changes.ts';
import { ok } from '../../result.ts';
import { runCommand } from '../command/command.ts';
import { hintFor } from '../command/hint.ts';
import { isShellSession } from '../command/shell.ts';
import { failureOf } from '../decision.ts';
import { differencesSince } from '../differences.ts';
import type { Plan } from '../plan.ts';
import type { Inspection, PreparedRun } from '../prepared-run.ts';
import { pushFiles } from '../push/push.ts';
import { inPhase } from '../recorder.ts';
import { foreignRestore } from '../rollback/foreign-restore.ts';
import type { RunTools } from '../tools.ts';
import { verify } from '../verify.ts';
import { nothingSeen, type Change, type WholeAttempt } from './change.ts';
import { commandFingerprint } from './fingerprint.ts';

/** What an attempt knows of the instance that it changes: the user's own, or its copy in a rehearsal. */
export type AttemptSubject = Pick<PreparedRun, 'baseline' | 'boot'> & {
  readonly inspected: Pick<Inspection, 'instance'>;
  /** Of the run; none on the copy of a rehearsal, which is guard's own. */
  readonly lease?: PreparedRun['lease'];
  readonly restores?: PreparedRun['restores'];
};

/** The plan's files are pushed and its command runs in the instance. */
export const commandChange = {
  executesCommand: true,
  packageManagerWaits: false,
  started: {},
  admit: () => ok(undefined),
  attempt: commandAndVerdict,
  quarantine: { fingerprint: commandFingerprint, retryAdvice: 'shows why. To run it anyway, pass --retry.' },
} satisfies Change;

async function commandAndVerdict(plan: Plan, tools: RunTools, prepared: AttemptSubject): Promise<WholeAttempt> {
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
  const verified = await verify(
    plan,
    { ...tools, lease: prepared.lease ?? null },
    prepared.baseline,
    end,
    plan.limits.soakMs,
  );
  const { verdict, facts } = verified;
  const foreign = verdict.verdict === 'healthy' ? await foreignRestore(plan, tools, prepared) : null;
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
