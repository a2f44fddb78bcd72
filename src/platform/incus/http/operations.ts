import { err, ok, type Result } from '../../../result.ts';
import { formatDuration } from '../../../duration.ts';
import type { Limit } from '../../platform.ts';
import { call, callRaw, decode, type Call, type Incus } from './client.ts';
import { failureOf, serverFailure, type About } from './failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import { listOf, numberOf, objectOf, textOf } from './json.ts';

/** Something the server is doing. */
export interface Operation {
  readonly id: string;
  /** `task`, `websocket` or `token`. */
  readonly class: string;
  /** As the server says it: `Restoring snapshot`, `Executing command`, … */
  readonly description: string;
  /** `Running`, `Pending`, `Success`, `Failure`, `Cancelled`, … */
  readonly status: string;
  /** 1xx under way, 200 success, 4xx failed. */
  readonly statusCode: number;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Names of the instances it works on. */
  readonly instances: readonly string[];
  /** What the kind of operation tells, e.g. `return` and `fds` of an exec. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The failure's text; empty when there is none. */
  readonly err: string;
}

/** How an operation stands. `gone`: the server forgot it (5 s after its end, or it was restarted); look for its effect. */
export type OperationResult =
  | { readonly kind: 'succeeded'; readonly operation: Operation }
  | { readonly kind: 'failed'; readonly failure: PlatformFailure; readonly operation: Operation }
  | { readonly kind: 'gone' };

/** What is waited for, for the failure's sentence and advice. */
export type OperationRequest = Limit & { readonly purpose: string; readonly instance?: string };

/**
 * Sends a request that starts an operation, and waits for its end. Null when the server did it at once. The limit covers
 * both. `timed-out` and `connection-lost` as in `waitFor`.
 */
export async function operate(incus: Incus, wanted: Call & Limit): Promise<Result<Operation | null, PlatformFailure>> {
  const began = incus.clock.monotonic();
  const reply = await call(incus, wanted);
  if (!reply.ok) return reply;
  if (reply.value.operation === null) return ok(null);
  const limitMs = Math.max(1, wanted.limitMs - (incus.clock.monotonic() - began));
  return waitFor(incus, reply.value.operation, { ...aboutOf(wanted), limitMs });
}

/**
 * Waits for the end of an operation that was started. `timed-out` and `connection-lost` mean that it may still go on:
 * never start it again before `settle` said how it stands.
 */
export async function waitFor(
  incus: Incus,
  operation: string,
  how: OperationRequest,
): Promise<Result<Operation, PlatformFailure>> {
  const about = { project: incus.project, ...aboutOf(how) };
  const deadline = incus.clock.monotonic() + how.limitMs;
  for (;;) {
    const limitMs = Math.max(1, deadline - incus.clock.monotonic());
    const path = ['operations', operation, 'wait'];
    const query = { timeout: '-1' };
    const answer = await callRaw(incus, { method: 'GET', path, query, ...aboutOf(how), limitMs }, waitLimitBytes);
    if (!answer.ok) return err(unknown(about, answer.error, operation, how.limitMs));
    const reply = decode(about, answer.value);
    // A server that shuts down ends the answer early, with nothing in it.
    if (!reply.ok && reply.error.code === answer.value.status)
      return err(unknown(about, reply.error, operation, how.limitMs));
    if (!reply.ok) return reply;
    const known = operationOf(reply.value.metadata);
    if (known.statusCode >= 400) return err(failed(about, known));
    if (known.statusCode >= 200) return ok(known);
    // The wait itself ran out on the server's side (newer servers answer then with the operation as it is): wait on.
    if (incus.clock.monotonic() >= deadline) return err(stillRunning(about, operation, how.limitMs));
    await incus.clock.sleep(pollMs);
  }
}

/**
 * After a `timed-out` or a `connection-lost`: asks again and again, through a restart of the daemon too, until the
 * operation has ended or is forgotten. `timed-out` when it still runs at the limit.
 */
export async function settle(
  incus: Incus,
  operation: string,
  how: OperationRequest,
): Promise<Result<OperationResult, PlatformFailure>> {
  const about = { project: incus.project, ...aboutOf(how) };
  const deadline = incus.clock.monotonic() + how.limitMs;
  for (;;) {
    const known = await getOperation(incus, operation, how);
    if (known.ok && known.value.statusCode >= 400)
      return ok({ kind: 'failed', failure: failed(about, known.value), operation: known.value });
    if (known.ok && known.value.statusCode >= 200) return ok({ kind: 'succeeded', operation: known.value });
    if (!known.ok && known.error.kind === 'not-found') return ok({ kind: 'gone' });
    if (!known.ok && !isWorthRetrying(known.error)) return known;
    if (incus.clock.monotonic() >= deadline) return known.ok ? err(stillRunning(about, operation, how.limitMs)) : known;
    await incus.clock.sleep(pollMs);
  }
}

/** Reads an operation as it is now. `not-found` 5 s after its end. */
export async function getOperation(
  incus: Incus,
  operation: string,
  how: { readonly purpose: string },
): Promise<Result<Operation, PlatformFailure>> {
  const reply = await call(incus, { method: 'GET', path: ['operations', operation], purpose: how.purpose });
  return reply.ok ? ok(operationOf(reply.value.metadata)) : reply;
}

/** All operations of the project that the server knows, those that ended within the last 5 s too. */
export async function listOperations(incus: Incus): Promise<Result<Operation[], PlatformFailure>> {
  const reply = await call(incus, {
    method: 'GET',
    path: ['operations'],
    query: { recursion: '1' },
    purpose: 'list the operations of the server',
  });
  if (!reply.ok) return reply;
  return ok(Object.values(objectOf(reply.value.metadata)).flatMap((list) => listOf(list).map(operationOf)));
}

const pollMs = 250;
const waitLimitBytes = 16 * 1024 * 1024;

/** Reads an operation from JSON of the server. */
function operationOf(json: unknown): Operation {
  const operation = objectOf(json);
  const instances = listOf(objectOf(operation['resources'])['instances']).map(textOf);
  return {
    id: textOf(operation['id']),
    class: textOf(operation['class']),
    description: textOf(operation['description']),
    status: textOf(operation['status']),
    statusCode: numberOf(operation['status_code']),
    createdAt: textOf(operation['created_at']),
    instances: instances.map((path) => /\/instances\/([^/?]+)/.exec(path)?.[1] ?? '').filter((name) => name !== ''),
    metadata: objectOf(operation['metadata']),
    err: textOf(operation['err']),
  };
}

function aboutOf(wanted: { readonly purpose: string; readonly instance?: string }): Omit<About, 'project'> {
  return {
    purpose: wanted.purpose,
    ...(wanted.instance === undefined ? {} : { instance: wanted.instance }),
  };
}

function failed(about: About, operation: Operation): PlatformFailure {
  return serverFailure(about, operation.statusCode, operation.err);
}

/** The status of a wait is 200 even for failures, so that any other end of it says nothing about the operation. */
function unknown(about: About, failure: PlatformFailure, operation: string, limitMs: number): PlatformFailure {
  if (failure.kind === 'timed-out') return stillRunning(about, operation, limitMs);
  if (failure.kind === 'not-found')
    return failureOf('connection-lost', about, 'the server no longer knows how it ended', { operation, advice: '' });
  return failureOf('connection-lost', about, failure.detail, { operation });
}

function stillRunning(about: About, operation: string, limitMs: number): PlatformFailure {
  return failureOf('timed-out', about, `it had not ended after ${formatDuration(limitMs)}`, { operation });
}

/** Failures of a daemon that restarts. */
function isWorthRetrying(failure: PlatformFailure): boolean {
  return (
    ['unreachable', 'connection-lost', 'timed-out'].includes(failure.kind) ||
    (failure.kind === 'server' && (failure.code === null || failure.code >= 500 || failure.code === 200))
  );
}
