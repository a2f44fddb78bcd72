import { longestTimerMs } from '../../../clock.ts';
import { err, ok, type Result } from '../../../result.ts';
import { call, type Incus } from '../http/client.ts';
import { connectExec, type Connection } from './connection.ts';
import { endOfOperation } from './end.ts';
import { passInput } from './input.ts';
import type { AcceptedExec } from './request.ts';
import type { Exec, ExecEnd, ExecRequest, ExecStreams } from '../../platform.ts';
import { failureOf, type About } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import { objectOf, textsOf } from '../http/json.ts';
import { waitFor } from '../http/operations.ts';
import { loadWebSockets } from '../http/websocket.ts';

/**
 * Starts a command. A success means that the server has the command, and all connections to it; whether the executable
 * exists is known when it ends. The command is started at most once.
 */
export async function startExec(
  incus: Incus,
  instance: string,
  request: ExecRequest,
  streams: ExecStreams,
): Promise<Result<Exec, PlatformFailure>> {
  const about = {
    purpose: `run ${request.command[0] ?? 'a command'} in ${instance}`,
    project: incus.project,
    instance,
  };
  for (let tries = 1; ; tries += 1) {
    const purpose = await askFor(incus, about, request);
    if (!purpose.ok) return purpose;
    const connection = await connectExec(incus, purpose.value, streams);
    if (connection !== null) return ok(follow(incus, about, purpose.value, connection, streams));
    const ended = await purpose.value.waited;
    // Only these words prove that the command was never started.
    const neverStarted = !ended.ok && /^Timed out waiting for websockets/i.test(ended.error.detail);
    if (!neverStarted || tries === 2) return err(ended.ok ? disconnected(about, purpose.value.operation) : ended.error);
  }
}

async function askFor(
  incus: Incus,
  about: Subject,
  request: ExecRequest,
): Promise<Result<AcceptedExec, PlatformFailure>> {
  const { purpose, instance } = about;
  const path = ['instances', instance, 'exec'];
  const reply = await call(incus, {
    method: 'POST',
    path,
    body: bodyOf(request),
    purpose,
    instance,
    onSent: () => void loadWebSockets(),
  });
  if (!reply.ok) return reply;
  const { operation, metadata } = reply.value;
  if (operation === null) return err(failureOf('server', about, 'it started no operation'));
  const secrets = textsOf(objectOf(objectOf(metadata)['metadata'])['fds']);
  // Asked before the sockets are opened: the server forgets an operation five seconds after its end.
  const waited = waitFor(incus, operation, { purpose, instance, limitMs: longestTimerMs });
  return ok({ operation, secrets, terminal: request.terminal !== null, waited });
}

function follow(
  incus: Incus,
  about: Subject,
  accepted: AcceptedExec,
  connection: Connection,
  streams: ExecStreams,
): Exec {
  const letGoOfInput = passInput(streams.stdin, connection.input);
  const abandoned = new AbortController();
  async function finish(): Promise<Result<ExecEnd, PlatformFailure>> {
    const end = await endOfOperation(incus, about, accepted, connection, abandoned.signal);
    letGoOfInput();
    connection.close();
    return end;
  }
  return {
    operation: accepted.operation,
    resize: (columns, rows) =>
      connection.control({ command: 'window-resize', args: { width: String(columns), height: String(rows) } }),
    signal: (signal) => connection.control({ command: 'signal', signal }),
    abandon: () => {
      abandoned.abort();
      letGoOfInput();
      connection.close();
    },
    ended: finish(),
  };
}

type Subject = About & { readonly instance: string };

function bodyOf(request: ExecRequest): Readonly<Record<string, unknown>> {
  return {
    command: request.command,
    environment: request.environment,
    'wait-for-websocket': true,
    interactive: request.terminal !== null,
    ...(request.terminal === null ? {} : { width: request.terminal.columns, height: request.terminal.rows }),
    ...(request.user === undefined ? {} : { user: request.user }),
    ...(request.group === undefined ? {} : { group: request.group }),
    ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
  };
}

function disconnected(about: About, operation: string): PlatformFailure {
  return failureOf('connection-lost', about, 'the connections for its input and output could not be opened', {
    operation,
  });
}
