import { formatDuration } from '../duration.ts';
import { askAddressesOf } from '../health/checks/address.ts';
import { err, ok, type Result } from '../result.ts';
import { oneLine } from '../health/checks/answer.ts';
import { withinLimit } from '../health/checks/limit.ts';
import { answerOfStatus, mostOutputBytes } from '../health/checks/kinds/exec.ts';
import { runForCheck } from '../health/checks/kinds/host.ts';
import type { ExecResult } from '../platform/platform.ts';
import { describeFailure } from '../platform/failure.ts';
import type { Cause } from '../event.ts';
import type { LifecycleCommand, LifecycleMoment, LifecycleCommands } from '../lifecycle-command.ts';
import { endProcessesWith } from './command/leftovers.ts';
import type { RunTools } from './tools.ts';

/** The run and instance that the commands belong to. */
export interface LifecycleSubject {
  readonly run: string;
  readonly instance: string;
  readonly hooks: LifecycleCommands;
}

/** The result of the run, for commands at its end. */
export interface LifecycleFacts {
  /** The outcome as in the run's record. */
  readonly outcome?: string;
  readonly cause?: Cause | null;
}

type LifecycleTools = Pick<RunTools, 'platform' | 'clock' | 'recorder'>;

/**
 * Runs the commands of a moment one after another. The error is one sentence about the first failure. A
 * `signal` ends them early. Before the restore point the first failure skips the rest; at every other moment all
 * commands run.
 */
export async function runLifecycleCommands(
  subject: LifecycleSubject,
  tools: LifecycleTools,
  moment: LifecycleMoment,
  facts: LifecycleFacts = {},
  signal?: AbortSignal,
): Promise<Result<void, string>> {
  let first: Result<void, string> = ok(undefined);
  for (const [index, hook] of (subject.hooks[moment] ?? []).entries()) {
    const ended = await runHook(subject, tools, { moment, hook, index, facts, ...(signal ? { signal } : {}) });
    if (first.ok) first = ended;
    if (!first.ok && moment === 'beforeRestorePoint') return first;
  }
  return first;
}

/** The same for moments whose failure is only reported: the run continues. */
export async function runFinalLifecycleCommands(
  subject: LifecycleSubject,
  tools: LifecycleTools,
  moment: 'beforeRollback' | 'afterRollback' | 'afterKeep',
  facts: LifecycleFacts,
): Promise<void> {
  const ended = await runLifecycleCommands(subject, tools, moment, facts);
  if (!ended.ok) await tools.recorder.record({ type: 'notice', level: 'warning', message: ended.error });
}

interface LifecycleStep {
  readonly moment: LifecycleMoment;
  readonly hook: LifecycleCommand;
  readonly index: number;
  readonly facts: LifecycleFacts;
  readonly signal?: AbortSignal;
}

/** Its output is evidence, and its last line is in the sentence about its failure. */
async function runHook(
  subject: LifecycleSubject,
  tools: LifecycleTools,
  one: LifecycleStep,
): Promise<Result<void, string>> {
  const { moment, hook, index } = one;
  const { recorder, clock } = tools;
  const where = hook.kind === 'exec' ? 'inside' : 'host';
  await recorder.record({ type: 'lifecycle-command-started', moment, where, command: hook.command });
  const began = clock.monotonic();
  const end = await (hook.kind === 'exec'
    ? runInside(subject, tools, hook, one)
    : runOnThisHost(subject, tools, hook, one));
  const message = oneLine(end.message);
  const text = `${end.stdout}${end.stderr}`;
  const saved = text === '' ? null : await recorder.saveEvidence(`hook-${moment}-${index + 1}.txt`, text);
  const output = saved?.ok === true ? { output: saved.value } : {};
  await recorder.record({
    type: 'lifecycle-command-ended',
    moment,
    ok: end.ok,
    message,
    ms: clock.monotonic() - began,
    ...output,
  });
  return end.ok
    ? ok(undefined)
    : err(`The ${moment} hook ${where === 'inside' ? 'inside' : 'on this host'} failed: ${message}.`);
}

interface LifecycleResult {
  readonly ok: boolean;
  /** Raw: it can contain the last output line of the command. */
  readonly message: string;
  readonly stdout: string;
  readonly stderr: string;
}

async function runInside(
  { run, instance, ...subject }: LifecycleSubject,
  { platform }: LifecycleTools,
  hook: Extract<LifecycleCommand, { kind: 'exec' }>,
  one: LifecycleStep,
): Promise<LifecycleResult> {
  const token = `${run}/${one.moment}`;
  const answer = await platform.query(instance, {
    command: hook.command,
    environment: {
      ...hook.environment,
      ...environmentOf({ run, instance, ...subject }, platform.project, one),
      GUARD_HOOK: token,
    },
    user: hook.user,
    cwd: hook.cwd,
    limitMs: hook.timeoutMs,
    maxBytes: mostOutputBytes,
    ...(one.signal ? { signal: one.signal } : {}),
  });
  if (answer.ok) return endOfStatus(answer.value);
  // Incus kills the direct child only (docs/internals/incus.md, Exec).
  if (answer.error.kind === 'timed-out') await endProcessesWith({ platform }, instance, `GUARD_HOOK=${token}`);
  const message =
    answer.error.kind === 'timed-out'
      ? `it did not end within ${formatDuration(hook.timeoutMs)}`
      : describeFailure(answer.error);
  return { ok: false, message, stdout: '', stderr: '' };
}

async function runOnThisHost(
  subject: LifecycleSubject,
  { platform, clock }: LifecycleTools,
  hook: Extract<LifecycleCommand, { kind: 'host' }>,
  one: LifecycleStep,
): Promise<LifecycleResult> {
  const { instance } = subject;
  const askAddresses = askAddressesOf(platform, instance);
  const environment = { ...hook.environment, ...environmentOf(subject, platform.project, one) };
  const bounded = await withinLimit(clock, hook.timeoutMs, one.signal, (signal) =>
    runForCheck(hook.command, environment, { platform, instance, clock, signal, askAddresses }),
  );
  if (bounded.end !== 'done') {
    const message =
      bounded.end === 'limit' ? `it did not end within ${formatDuration(hook.timeoutMs)}` : 'it was cancelled';
    return { ok: false, message, stdout: '', stderr: '' };
  }
  return bounded.value.ok
    ? endOfStatus(bounded.value.value)
    : { ok: false, message: bounded.value.error.message, stdout: '', stderr: '' };
}

function endOfStatus(answer: Pick<ExecResult, 'status' | 'stdout' | 'stderr'>): LifecycleResult {
  return {
    ok: answer.status === 0,
    message: answerOfStatus(answer).message,
    stdout: answer.stdout,
    stderr: answer.stderr,
  };
}

function environmentOf(
  { run, instance }: LifecycleSubject,
  project: string,
  { moment, facts }: LifecycleStep,
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
