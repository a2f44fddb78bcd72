import type { Verdict } from '../event.ts';
import { sayFailure } from '../incus/failure.ts';
import { getInstance } from '../incus/instance.ts';
import { runCommand } from './command.ts';
import { failureOf, type Attempt } from './decision.ts';
import { hintFor } from './hint.ts';
import { persistently } from './persistence.ts';
import type { Plan } from './plan.ts';
import type { Prepared } from './prepare.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';
import { verify } from './verify.ts';
import { returnAndVerdict } from './way-back.ts';

/** An attempt, with what its evidence needs. */
export interface WholeAttempt extends Attempt {
  /** The end of what the command wrote; null where guard itself failed. */
  readonly output: string | null;
}

/** Whatever happens in here, the run reaches its decision (F10). */
export const attemptChange = async (plan: Plan, tools: RunTools, prepared: Prepared): Promise<WholeAttempt> => {
  try {
    return plan.goBackTo === null
      ? await commandAndVerdict(plan, tools, prepared)
      : { ...(await returnAndVerdict(plan, tools, prepared, plan.goBackTo)), output: null };
  } catch (bug) {
    const says = `guard itself failed: ${bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)}`;
    await tools.recorder.record({ type: 'notice', level: 'warning', says });
    return { end: { kind: 'lost', says }, verdict: null, interruptedBy: tools.interruption.by(), output: null };
  }
};

const commandAndVerdict = async (plan: Plan, tools: RunTools, prepared: Prepared): Promise<WholeAttempt> => {
  const report = await inPhase(
    tools,
    'command',
    () => runCommand(plan, tools, prepared.inspected.boot),
    ({ end }) => ({
      ok: failureOf(plan, end) === null,
      says: end.kind === 'exited' ? `exit status ${end.status}` : end.kind,
    }),
  );
  const { end, tail: output } = report;
  await tools.recorder.record({ type: 'command-ended', end, ms: report.ms });
  const hint = hintFor(plan.command.words, end, output, tools.io.terminal !== null);
  if (hint) await tools.recorder.record({ type: 'notice', level: 'info', says: hint });

  const interruptedBy = tools.interruption.by();
  if (interruptedBy !== null || failureOf(plan, end) !== null) return { end, verdict: null, interruptedBy, output };
  const verdict = await verify(plan, tools, prepared.baseline, end);
  const foreign = verdict.verdict === 'healthy' ? await foreignRestore(plan, tools, prepared) : null;
  if (foreign) await tools.recorder.record({ type: 'verdict', verdict: foreign, again: false });
  return { end, verdict: foreign ?? verdict, interruptedBy: tools.interruption.by(), output };
};

/** Somebody else restored the instance meanwhile: what is healthy now is not what the command made of it. */
const foreignRestore = async (plan: Plan, tools: RunTools, { inspected }: Prepared): Promise<Verdict | null> => {
  const now = await persistently(tools.clock, plan.limits.readyMs, () => getInstance(tools.incus, plan.instance));
  const { generation } = inspected.instance;
  if (now.ok && (generation === null || now.value.generation === generation)) return null;
  const says = now.ok
    ? `Somebody else has put "${plan.instance}" back to a snapshot during this run, so that nothing is known of the change.`
    : sayFailure(now.error);
  return {
    verdict: 'inconclusive',
    reasons: [{ subject: 'instance', severity: 'required', says }],
    advisories: [],
    checks: [],
  };
};
