import { err, ok, type Result } from '../../../result.ts';
import type { Clock } from '../../../clock.ts';
import type { Incus } from '../http/client.ts';
import type { Connection } from './connection.ts';
import type { Output } from './output.ts';
import type { AcceptedExec } from './request.ts';
import type { ExecEnd } from '../../platform.ts';
import { failureOf, type About } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import { getOperation, settle, waitFor, type Operation } from '../http/operations.ts';

/** How the command ended, as soon as that is known and all its output has been handed on. */
export async function endOfOperation(
  incus: Incus,
  about: About,
  accepted: AcceptedExec,
  connection: Connection,
  abandoned: AbortSignal,
): Promise<Result<ExecEnd, PlatformFailure>> {
  const known = await Promise.race([
    operationEnd(incus, about, accepted),
    givenUp(incus.clock, about, accepted.operation, abandoned),
  ]);
  const complete = await outputEnded(incus.clock, connection.outputs);
  if (!known.ok) return known;
  const end = withOutput(known.value, connection.outputs);
  return ok(end.kind === 'exited' && !complete ? { ...end, outputLost: true } : end);
}

/**
 * Incus calls every status 127 "not found" and every 126 "not executable", those of a command that ran as well (a shell
 * that does not find something). One that has said something did run.
 */
function withOutput(end: ExecEnd, outputs: readonly Output[]): ExecEnd {
  if (end.kind === 'exited' || outputs.every((output) => output.progress().bytes === 0)) return end;
  return { kind: 'exited', status: end.kind === 'not-found' ? 127 : 126 };
}

async function operationEnd(
  incus: Incus,
  about: About,
  accepted: AcceptedExec,
): Promise<Result<ExecEnd, PlatformFailure>> {
  let ended = await accepted.waited;
  while (!ended.ok && ended.error.operation !== null) {
    const next = await resumed(incus, about, accepted.operation);
    if (next === null) return err(lost(about, accepted.operation));
    ended = next;
  }
  if (ended.ok) return exited(about, ended.value);
  return startFailure(incus, about, accepted.operation, ended.error);
}

/** A command outlives the daemon that started it: seen on a real one that was killed. */
function lost(about: About, operation: string): PlatformFailure {
  return failureOf('connection-lost', about, 'the connection to the server broke; the command may still run inside', {
    operation,
    advice: '',
  });
}

/** After the wait was lost: the end when the server still knows it, a new wait while it runs, null when nobody knows. */
async function resumed(
  incus: Incus,
  about: About,
  operation: string,
): Promise<Result<Operation, PlatformFailure> | null> {
  const how = { ...about, limitMs: resumeLimitMs };
  const settled = await settle(incus, operation, how);
  if (!settled.ok) return settled.error.kind === 'timed-out' ? waitFor(incus, operation, how) : null;
  switch (settled.value.kind) {
    case 'succeeded':
      return ok(settled.value.operation);
    case 'failed':
      return err(settled.value.failure);
    case 'gone':
      return null;
    default:
      return settled.value satisfies never;
  }
}

function exited(about: About, operation: Operation): Result<ExecEnd, PlatformFailure> {
  const status = operation.metadata['return'];
  if (typeof status !== 'number') return err(failureOf('server', about, 'the server did not report the exit status'));
  return ok({ kind: 'exited', status });
}

/**
 * A command that could not be executed makes its operation fail; which way only the operation's own record tells, which
 * the server keeps for five seconds.
 */
async function startFailure(
  incus: Incus,
  about: About,
  operation: string,
  failure: PlatformFailure,
): Promise<Result<ExecEnd, PlatformFailure>> {
  const known = await getOperation(incus, operation, about);
  const status = known.ok ? known.value.metadata['return'] : undefined;
  if (status === 127 || /^Command not found/i.test(failure.detail)) return ok({ kind: 'not-found' });
  if (status === 126 || /^Command not executable/i.test(failure.detail)) return ok({ kind: 'not-executable' });
  return err(failure);
}

/** The server ends an abandoned command by itself, in well under a second; this is the end of waiting for it. */
async function givenUp(
  clock: Clock,
  about: About,
  operation: string,
  abandoned: AbortSignal,
): Promise<Result<never, PlatformFailure>> {
  await aborted(abandoned);
  await clock.sleep(abandonLimitMs);
  return err(failureOf('timed-out', about, 'it was cancelled, and its result is unknown', { operation }));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * Whether all output has come. The server closes the sockets of a command that has ended; one that stays open and
 * silent although nobody holds it up is given up.
 */
async function outputEnded(clock: Clock, outputs: readonly Output[]): Promise<boolean> {
  const { silent, stop } = outputIdle(clock, outputs);
  const complete = await Promise.race([Promise.all(outputs.map((output) => output.ended)), silent]);
  stop();
  return complete !== null && complete.every(Boolean);
}

function outputIdle(clock: Clock, outputs: readonly Output[]): { silent: Promise<null>; stop: () => void } {
  let seen = -1;
  let callOff = (): void => {};
  const silent = new Promise<null>((resolve) => {
    function look(): void {
      const progress = outputs.map((output) => output.progress());
      const bytes = progress.reduce((sum, one) => sum + one.bytes, 0);
      if (bytes === seen && !progress.some((one) => one.waiting)) {
        resolve(null);
        return;
      }
      seen = bytes;
      callOff = clock.after(silenceMs, look);
    }
    look();
  });
  return { silent, stop: () => callOff() };
}

const resumeLimitMs = 30_000;
const abandonLimitMs = 5_000;
const silenceMs = 5_000;
