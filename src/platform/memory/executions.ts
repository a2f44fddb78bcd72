import type { Readable, Writable } from 'node:stream';

import { err, ok, type Result } from '../../result.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Exec, ExecEnd, ExecRequest, Executions, ExecStreams } from '../platform.ts';
import { send, type MemoryClient } from './requests.ts';
import type { MemoryInstance, MemoryOperation, MemoryProcess } from './server.ts';

const connectMs = 30_000;

/** The port's `startExec`. */
export function executionsOf(client: MemoryClient): Executions['startExec'] {
  const { server } = client;
  return async (instance, request, streams) => {
    const purpose = `run ${request.command[0] ?? 'a command'} in ${instance}`;
    return send<Exec>(client, {
      name: 'startExec',
      purpose,
      instance,
      activity: 'other',
      isOperation: false,
      changes: true,
      ms: server.takes.change,
      limitMs: connectMs,
      apply: () => {
        const one = server.instances.get(instance);
        if (one === undefined) return err(platformFailure('not-found', purpose, 'Instance not found', { code: 404 }));
        if (client.isDead())
          return err(platformFailure('server', purpose, 'Timed out waiting for websockets to connect'));
        if (one.status === 'Running') return ok(startProcess(client, one, request, streams, purpose));
        const reason = one.status === 'Frozen' ? 'Instance is frozen' : 'Instance is not running';
        return err(platformFailure('invalid', purpose, reason, { code: 400 }));
      },
    });
  };
}

function startProcess(
  client: MemoryClient,
  instance: MemoryInstance,
  request: ExecRequest,
  streams: ExecStreams,
  purpose: string,
): Exec {
  const { server } = client;
  let finish: (result: Result<ExecEnd, PlatformFailure>) => void = () => {};
  const ended = new Promise<Result<ExecEnd, PlatformFailure>>((resolve) => (finish = resolve));
  const killed = new AbortController();
  server.sequence += 1;
  const id = `operation-${server.sequence}`;
  function end(result: Result<ExecEnd, PlatformFailure>): void {
    if (!operation.isRunning) return;
    operation.isRunning = false;
    operation.result = result;
    instance.processes.delete(process);
    server.clock.after(rememberedMs, () => server.operations.delete(id));
    if (!client.isDead()) finish(result);
  }
  let written = 0;
  const process: MemoryProcess = {
    instance,
    command: request.command,
    environment: { ...instance.environment, ...request.environment },
    cwd: request.cwd ?? '/root',
    readInput: () => textOf(streams.stdin),
    write: async (stream, text) => {
      if (killed.signal.aborted || client.isDead()) return;
      written += text.length;
      await writeTo(stream === 'stdout' || request.terminal !== null ? streams.stdout : streams.stderr, text);
    },
    killed: killed.signal,
    clock: server.clock,
    kill: (signal) => {
      killed.abort();
      end(ok({ kind: 'exited', status: 128 + signal }));
    },
  };
  const operation: MemoryOperation = {
    id,
    activity: 'exec',
    isListed: true,
    isRunning: true,
    instances: [instance.name],
    result: null,
    done: ended,
    cut: () =>
      end(err(platformFailure('connection-lost', purpose, 'the connection to the server broke', { operation: id }))),
  };
  server.operations.set(id, operation);
  instance.processes.add(process);
  client.onKill(() => process.kill(9));
  async function work(): Promise<void> {
    const value = await server.exec(process);
    if (!killed.signal.aborted) end(ok(endOf(value, written)));
  }
  void work();
  return {
    operation: id,
    resize: () => {},
    signal: (signal) => process.kill(signal),
    abandon: () => process.kill(9),
    ended: client.isDead() ? new Promise(() => {}) : ended,
  };
}

const rememberedMs = 5000;

/** Statuses 127 and 126 without a word are taken for a command that could not be started, as Incus does. */
function endOf(value: number | 'not-found' | 'not-executable', written: number): ExecEnd {
  if (value === 'not-found' || (value === 127 && written === 0)) return { kind: 'not-found' };
  if (value === 'not-executable' || (value === 126 && written === 0)) return { kind: 'not-executable' };
  return { kind: 'exited', status: value };
}

function writeTo(stream: Writable, text: string | Buffer): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}

async function textOf(stdin: Readable | null): Promise<string> {
  if (stdin === null) return '';
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString('utf8');
}
