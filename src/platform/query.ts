import { Readable } from 'node:stream';

import type { Clock } from '../clock.ts';
import { formatDuration } from '../duration.ts';
import { err, ok, type Result } from '../result.ts';
import { boundedText, type BoundedText } from './bounded-text.ts';
import { platformFailure, type PlatformFailure } from './failure.ts';
import type { Answered, Exec, ExecEnd, ExecRequest, Executions, ExecQuery, ExecResult } from './platform.ts';

/** `ask` of every adapter, made from its `startExec`. */
export function queryWith(startExec: Executions['startExec'], clock: Clock): Executions['query'] {
  return async (instance, question) => {
    const limit = limitOf(clock, question);
    try {
      for (let tries = 1; ; tries += 1) {
        const answer = await askOnce(startExec, clock, instance, question, limit.reached);
        if (!answer.ok) return answer;
        if (!answer.value.isOutputLost || question.readOnly !== true) return ok(answer.value.result);
        if (tries === mostTries) return err(incomplete(instance, question));
      }
    } finally {
      limit.stop();
    }
  };
}

/** How often a question that only reads is asked where its output was lost: about one of a hundred loses some under load. */
const mostTries = 4;

async function askOnce(
  startExec: Executions['startExec'],
  clock: Clock,
  instance: string,
  question: ExecQuery,
  limitReached: Promise<null>,
): Answered<{ readonly result: ExecResult; readonly isOutputLost: boolean }> {
  const stdout: BoundedText = boundedText(question.maxBytes, () => question.onOutput?.(stdout.text));
  const stderr = boundedText(question.maxBytes);
  const stdin = question.stdin === undefined ? null : Readable.from([Buffer.from(question.stdin)]);
  const started = startExec(instance, requestOf(question), { stdin, stdout: stdout.sink, stderr: stderr.sink });
  const end = await Promise.race([endOf(started), limitReached]);
  if (end !== null) return end.ok ? ok(answerOf(end.value, stdout, stderr)) : end;
  const killed = await Promise.race([kill(started), clock.sleep(killLimitMs)]);
  return err(unanswered(instance, question, killed === true));
}

function incomplete(instance: string, { command }: ExecQuery): PlatformFailure {
  const purpose = `ask ${instance} with ${command[0] ?? 'a command'}`;
  return platformFailure('connection-lost', purpose, 'the server lost a part of the answer, several times');
}

function unanswered(instance: string, { command, signal, limitMs }: ExecQuery, killed: boolean): PlatformFailure {
  const why = signal?.aborted === true ? 'it was cancelled' : `no answer within ${formatDuration(limitMs)}`;
  const reason = killed ? `${why}; it was killed` : `${why}; that it was killed could not be confirmed`;
  return platformFailure('timed-out', `ask ${instance} with ${command[0] ?? 'a command'}`, reason);
}

async function endOf(started: Answered<Exec>): Answered<ExecEnd> {
  const exec = await started;
  return exec.ok ? exec.value.ended : exec;
}

/** True when the end of the process was seen. */
async function kill(started: Promise<Result<Exec, PlatformFailure>>): Promise<boolean> {
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

/** The end of the wait for an answer: its limit, or its signal. */
function limitOf(
  clock: Clock,
  { limitMs, signal }: ExecQuery,
): { readonly reached: Promise<null>; readonly stop: () => void } {
  let reach = (): void => {};
  const reached = new Promise<null>((resolve) => (reach = () => resolve(null)));
  const callOff = clock.after(limitMs, reach);
  if (signal?.aborted === true) reach();
  else signal?.addEventListener('abort', reach);
  const stop = (): void => {
    callOff();
    signal?.removeEventListener('abort', reach);
  };
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

function answerOf(end: ExecEnd, stdout: BoundedText, stderr: BoundedText) {
  const isOutputLost = end.kind === 'exited' && end.outputLost === true;
  const result = {
    status: statusOf(end),
    stdout: stdout.text(),
    stderr: stderr.text(),
    truncated: stdout.truncated() || stderr.truncated() || isOutputLost,
  };
  return { result, isOutputLost };
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
