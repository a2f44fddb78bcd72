import { Readable } from 'node:stream';

import type { Clock } from '../clock.ts';
import { formatDuration } from '../duration.ts';
import { err, ok, type Result } from '../result.ts';
import { boundedText, type BoundedText } from './bounded-text.ts';
import type { Incus } from './client.ts';
import { startExec, type Exec } from './exec.ts';
import type { ExecEnd, ExecRequest } from './exec-request.ts';
import { failureOf, type IncusFailure } from './failure.ts';

/** A bounded question to the inside of an instance. */
export interface ExecQuery {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Text that the command reads; nothing when left out. */
  readonly stdin?: string;
  readonly cwd?: string;
  readonly user?: number;
  readonly group?: number;
  /** Milliseconds for the whole question. */
  readonly limitMs: number;
  /** Bytes kept of each of stdout and stderr; the rest is read and dropped. */
  readonly maxBytes: number;
  /** Gives the question up early, as if the limit were reached. */
  readonly signal?: AbortSignal;
  /** Called whenever more of stdout has come, with a way to read all of it so far. */
  readonly onOutput?: (soFar: () => string) => void;
}

/** What the command answered. 127 and 126: not found, not executable, as in a shell. */
export interface ExecResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether output is missing: beyond `maxBytes`, or because the connection for it broke. */
  readonly truncated: boolean;
}

/**
 * Runs a command inside and collects what it says. When the limit is reached the end is `timed-out`, and the process
 * that was started is killed with SIGKILL. Not covered: processes that it started itself live on, because Incus can
 * signal only the direct child, and a wrapper that would collect them needs a shell that not every image has. So ask
 * with commands that start nothing of their own, or bound them inside (`timeout -k`).
 */
export async function runProbe(
  incus: Incus,
  instance: string,
  question: ExecQuery,
): Promise<Result<ExecResult, IncusFailure>> {
  const stdout: BoundedText = boundedText(question.maxBytes, () => question.onOutput?.(stdout.text));
  const stderr = boundedText(question.maxBytes);
  const stdin = question.stdin === undefined ? null : Readable.from([Buffer.from(question.stdin)]);
  const limit = limitOf(incus.clock, question);
  const started = startExec(incus, instance, requestOf(question), { stdin, stdout: stdout.sink, stderr: stderr.sink });
  const end = await Promise.race([withAnswer(started), limit.reached]);
  limit.stop();
  if (end !== null) return end.ok ? ok(answerOf(end.value, stdout, stderr)) : end;
  const killed = await Promise.race([kill(started), incus.clock.sleep(killLimitMs)]);
  const after =
    question.signal?.aborted === true ? 'it was given up' : `no answer within ${formatDuration(question.limitMs)}`;
  const detail = killed === true ? `${after}; it was killed` : `${after}; that it was killed could not be confirmed`;
  const purpose = `ask ${instance} with ${question.command[0] ?? 'a command'}`;
  return err(failureOf('timed-out', { purpose, project: incus.project, instance }, detail, { advice: '' }));
}

async function withAnswer(started: Promise<Result<Exec, IncusFailure>>): Promise<Result<ExecEnd, IncusFailure>> {
  const exec = await started;
  return exec.ok ? exec.value.ended : exec;
}

/** True when the end of the process was seen. */
async function kill(started: Promise<Result<Exec, IncusFailure>>): Promise<boolean> {
  const exec = await started;
  if (!exec.ok) return false;
  exec.value.signal(sigkill);
  // The server kills the child of a connection that is gone as well, should the message not arrive.
  exec.value.abandon();
  const end = await exec.value.ended;
  return end.ok;
}

const sigkill = 9;
const killLimitMs = 2_000;

/** The end of the patience with a question: its limit, or its signal. */
function limitOf(
  clock: Clock,
  { limitMs, signal }: ExecQuery,
): { readonly reached: Promise<null>; readonly stop: () => void } {
  let reach = (): void => {};
  const reached = new Promise<null>((resolve) => (reach = () => resolve(null)));
  const callOff = clock.after(limitMs, reach);
  if (signal?.aborted === true) reach();
  else signal?.addEventListener('abort', reach);
  function stop(): void {
    callOff();
    signal?.removeEventListener('abort', reach);
  }
  return { reached, stop };
}

function requestOf(question: ExecQuery): ExecRequest {
  return {
    command: question.command,
    environment: question.environment ?? {},
    terminal: null,
    ...(question.user === undefined ? {} : { user: question.user }),
    ...(question.group === undefined ? {} : { group: question.group }),
    ...(question.cwd === undefined ? {} : { cwd: question.cwd }),
  };
}

function answerOf(end: ExecEnd, stdout: BoundedText, stderr: BoundedText): ExecResult {
  return {
    status: statusOf(end),
    stdout: stdout.text(),
    stderr: stderr.text(),
    truncated: stdout.truncated() || stderr.truncated() || (end.kind === 'exited' && end.outputLost === true),
  };
}

function statusOf(end: ExecEnd): number {
  switch (end.kind) {
    case 'exited':
      return end.status;
    case 'not-found':
      return 127;
    case 'not-executable':
      return 126;
    default:
      return end satisfies never;
  }
}
