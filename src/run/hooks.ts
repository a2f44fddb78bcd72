import { sayDuration } from '../duration.ts';
import { oneLine } from '../health/checks/answer.ts';
import { withinLimit } from '../health/checks/limit.ts';
import { answerOfStatus, mostOutputBytes } from '../health/checks/kinds/exec.ts';
import { runForCheck } from '../health/checks/kinds/host.ts';
import { ask, type QuestionAnswer } from '../incus/ask.ts';
import { sayFailure } from '../incus/failure.ts';
import { getInstanceState } from '../incus/instance.ts';
import type { Cause } from '../event.ts';
import type { Hook, HookMoment, Hooks } from '../hook-definition.ts';
import { endProcessesWith } from './command/leftovers.ts';
import type { RunTools } from './tools.ts';

/** Whose hooks they are. */
export interface HookSubject {
  readonly run: string;
  readonly instance: string;
  readonly hooks: Hooks;
}

/** How far the run is, for the hooks of its end. */
export interface HookFacts {
  /** The outcome as in the run's record. */
  readonly outcome?: string;
  readonly cause?: Cause | null;
}

type HookTools = Pick<RunTools, 'incus' | 'clock' | 'recorder'>;

/**
 * Runs the hooks of a moment, one after another; null where all went well, else one sentence on the first that failed. A
 * `signal` ends them early. Before the restore point the first failure ends the row; at every other moment each hook
 * has its turn.
 */
export async function runHooks(
  subject: HookSubject,
  tools: HookTools,
  moment: HookMoment,
  facts: HookFacts = {},
  signal?: AbortSignal,
): Promise<string | null> {
  let failure: string | null = null;
  for (const [index, hook] of (subject.hooks[moment] ?? []).entries()) {
    const says = await runHook(subject, tools, { moment, hook, index, facts, ...(signal ? { signal } : {}) });
    failure ??= says;
    if (failure !== null && moment === 'beforeRestorePoint') return failure;
  }
  return failure;
}

/** The same for the moments whose failure changes nothing: it is told, and the run goes on. */
export async function runHooksOfTheEnd(
  subject: HookSubject,
  tools: HookTools,
  moment: 'beforeRollback' | 'afterRollback' | 'afterKeep',
  facts: HookFacts,
): Promise<void> {
  const failure = await runHooks(subject, tools, moment, facts);
  if (failure !== null) await tools.recorder.record({ type: 'notice', level: 'warning', says: failure });
}

interface OneHook {
  readonly moment: HookMoment;
  readonly hook: Hook;
  readonly index: number;
  readonly facts: HookFacts;
  readonly signal?: AbortSignal;
}

/** Null where it went well. Its output is evidence, and its last line is told. */
async function runHook(subject: HookSubject, tools: HookTools, one: OneHook): Promise<string | null> {
  const { moment, hook, index } = one;
  const { recorder, clock } = tools;
  const where = hook.kind === 'exec' ? 'inside' : 'host';
  await recorder.record({ type: 'hook-begun', moment, where, command: hook.command });
  const began = clock.monotonic();
  const end = await (hook.kind === 'exec'
    ? runInside(subject, tools, hook, one)
    : runOnThisHost(subject, tools, hook, one));
  const says = oneLine(end.says);
  const text = `${end.stdout}${end.stderr}`;
  const saved = text === '' ? null : await recorder.saveEvidence(`hook-${moment}-${index + 1}.txt`, text);
  const output = saved?.ok === true ? { output: saved.value } : {};
  await recorder.record({ type: 'hook-ended', moment, ok: end.ok, says, ms: clock.monotonic() - began, ...output });
  return end.ok ? null : `The ${moment} hook ${where === 'inside' ? 'inside' : 'on this host'} failed: ${says}.`;
}

interface HookEnd {
  readonly ok: boolean;
  /** Raw: it may be the hook's own last words. */
  readonly says: string;
  readonly stdout: string;
  readonly stderr: string;
}

async function runInside(
  { run, instance, ...subject }: HookSubject,
  { incus }: HookTools,
  hook: Extract<Hook, { kind: 'exec' }>,
  one: OneHook,
): Promise<HookEnd> {
  const token = `${run}/${one.moment}`;
  const answer = await ask(incus, instance, {
    command: hook.command,
    environment: {
      ...hook.environment,
      ...environmentOf({ run, instance, ...subject }, incus.project, one),
      GUARD_HOOK: token,
    },
    user: hook.user,
    cwd: hook.cwd,
    limitMs: hook.timeoutMs,
    maxBytes: mostOutputBytes,
    ...(one.signal ? { signal: one.signal } : {}),
  });
  if (answer.ok) return endOfStatus(answer.value);
  // Incus kills the direct child only (trap 7 of incus.md).
  if (answer.error.kind === 'timed-out') await endProcessesWith({ incus }, instance, `GUARD_HOOK=${token}`);
  const says =
    answer.error.kind === 'timed-out'
      ? `it did not end within ${sayDuration(hook.timeoutMs)}`
      : sayFailure(answer.error);
  return { ok: false, says, stdout: '', stderr: '' };
}

async function runOnThisHost(
  subject: HookSubject,
  { incus, clock }: HookTools,
  hook: Extract<Hook, { kind: 'host' }>,
  one: OneHook,
): Promise<HookEnd> {
  const { instance } = subject;
  async function askAddresses() {
    const state = await getInstanceState(incus, instance);
    return state.ok ? { ok: true as const, value: state.value.addresses } : state;
  }
  const environment = { ...hook.environment, ...environmentOf(subject, incus.project, one) };
  const bounded = await withinLimit(clock, hook.timeoutMs, one.signal, (signal) =>
    runForCheck(hook.command, environment, { incus, instance, clock, signal, askAddresses }),
  );
  if (bounded.end !== 'done') {
    const says = bounded.end === 'limit' ? `it did not end within ${sayDuration(hook.timeoutMs)}` : 'it was given up';
    return { ok: false, says, stdout: '', stderr: '' };
  }
  return bounded.value.ok
    ? endOfStatus(bounded.value.value)
    : { ok: false, says: bounded.value.error.says, stdout: '', stderr: '' };
}

function endOfStatus(answer: Pick<QuestionAnswer, 'status' | 'stdout' | 'stderr'>): HookEnd {
  return {
    ok: answer.status === 0,
    says: answerOfStatus(answer).says,
    stdout: answer.stdout,
    stderr: answer.stderr,
  };
}

function environmentOf(
  { run, instance }: HookSubject,
  project: string,
  { moment, facts }: OneHook,
): Record<string, string> {
  return {
    GUARD_RUN: run,
    GUARD_INSTANCE: instance,
    GUARD_PROJECT: project,
    GUARD_MOMENT: moment,
    GUARD_OUTCOME: facts.outcome ?? '',
    GUARD_CAUSE: facts.cause ?? '',
  };
}
