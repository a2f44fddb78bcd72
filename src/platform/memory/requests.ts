import type { Clock } from '../../clock.ts';
import { err, ok, type Result } from '../../result.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Answered } from '../platform.ts';
import { crash, projectOf, type MemoryOperation, type MemoryServer } from './server.ts';

/** A request as a fault sees it, before it is sent. */
export interface MemoryRequest {
  /** Counts the requests of one client, from 0. */
  readonly index: number;
  /** The port's function. */
  readonly name: string;
  readonly changes: boolean;
}

/** What becomes of a request. */
export type Fault =
  /** Nobody answers; nothing was sent. */
  | 'unreachable'
  /** The connection breaks before the server gets it. */
  | 'lost-before'
  /** The server does it, and the connection breaks before it answers. */
  | 'lost-after'
  /** The server refuses it for a reason of its own. */
  | 'refused'
  /** Another operation is at work. */
  | 'busy'
  /** No answer comes within the limit. The server does it much later. */
  | 'hangs'
  /** The server dies in the middle of it, and comes back. */
  | 'server-dies'
  /** The client dies before it sends it. */
  | 'die-before'
  /** The client dies while the server works on it. */
  | 'die-during'
  /** The client dies when the server has done it, before it gets the answer. */
  | 'die-after';

/** One connection to the server, of a process that may die. */
export interface MemoryClient {
  readonly server: MemoryServer;
  readonly clock: Clock;
  readonly kill: () => void;
  readonly isDead: () => boolean;
  readonly onKill: (listener: () => void) => void;
  readonly faultOf: (request: MemoryRequest) => Fault | null;
  /** How many requests were made, in all projects. */
  readonly counter: { requests: number };
}

/** The same client, working in another project. */
export function clientIn(client: MemoryClient, project: string): MemoryClient {
  return { ...client, server: projectOf(client.server, project) };
}

/** What a request does on the server. */
export interface Work<T> {
  readonly name: string;
  readonly purpose: string;
  /** The instance it works on, for `listOperations`; null for a volume. */
  readonly instance: string | null;
  readonly activity: MemoryOperation['activity'];
  /** It starts or stops the instance: whatever of the kind was still under way is over then. */
  readonly changesPower?: true;
  /** Whether it is an operation that goes on without the client, which `settle` knows. */
  readonly isOperation: boolean;
  readonly changes: boolean;
  readonly ms: number;
  readonly limitMs: number;
  /** Refuses at once, or prepares: done when the request arrives. */
  readonly begin?: () => Result<void, PlatformFailure>;
  /** Its effect and its answer, when `ms` are over. */
  readonly apply: () => Result<T, PlatformFailure>;
  /** What a server that dies in the middle leaves; nothing where it leaves nothing. */
  readonly cut?: () => void;
}

/** How long an operation is known after its end, in milliseconds. */
const rememberedMs = 5000;

/** Sends a request, with what befalls it. */
export async function send<T>(client: MemoryClient, work: Work<T>): Answered<T> {
  if (client.isDead()) return never();
  const index = client.counter.requests;
  client.counter.requests += 1;
  const fault = client.faultOf({ index, name: work.name, changes: work.changes });
  const early = beforeSending(client, work, fault);
  if (early !== null) return early;
  const { server } = client;
  const hangs = fault === 'hangs';
  // Nothing is started for a client that does not connect in time.
  if (hangs && work.name === 'startExec')
    return later(client, work.limitMs, err(platformFailure('timed-out', work.purpose, 'it had not begun in time')));
  const operation = startOperation(server, hangs ? { ...work, ms: work.ms + work.limitMs * 1.5 } : work);
  const id = work.isOperation ? operation.id : null;
  switch (fault) {
    case 'die-during':
      client.kill();
      return never();
    case 'die-after':
      await operation.done;
      client.kill();
      return never();
    case 'lost-after':
      if (!work.isOperation) await operation.done;
      return err(lost(work.purpose, id));
    case 'server-dies':
      await server.clock.sleep(work.ms / 2);
      crash(server);
      return client.isDead() ? never() : err(lost(work.purpose, id));
    default:
      return answer(client, work, operation);
  }
}

function beforeSending<T>(client: MemoryClient, work: Work<T>, fault: Fault | null): Answered<T> | null {
  const { server } = client;
  if (fault === 'die-before') {
    client.kill();
    return never();
  }
  const refusal =
    fault === 'unreachable' || server.clock.monotonic() < server.downUntil
      ? platformFailure('unreachable', work.purpose, 'nobody answers')
      : fault === 'lost-before'
        ? lost(work.purpose, null)
        : fault === 'refused'
          ? platformFailure('server', work.purpose, 'the server does not want to', { code: 500 })
          : fault === 'busy'
            ? platformFailure('busy', work.purpose, 'Instance is busy running a "create" operation', { code: 500 })
            : null;
  return refusal === null ? null : later(client, server.takes.read, err(refusal));
}

async function answer<T>(client: MemoryClient, work: Work<T>, operation: MemoryOperation): Answered<T> {
  const over = new AbortController();
  const limit = client.clock.sleep(work.limitMs, over.signal);
  const ended = await Promise.race([operation.done, limit]);
  over.abort();
  if (client.isDead()) return never();
  const id = work.isOperation ? operation.id : null;
  if (ended !== undefined) return ended as Result<T, PlatformFailure>;
  return err(platformFailure('timed-out', work.purpose, 'it had not ended in time', { operation: id }));
}

/** Does the work on the server's own time; it ends although nobody waits for it. */
export function startOperation<T>(server: MemoryServer, work: Work<T>): MemoryOperation {
  let end: (result: Result<unknown, PlatformFailure>) => void = () => {};
  const done = new Promise<Result<unknown, PlatformFailure>>((resolve) => (end = resolve));
  server.sequence += 1;
  let callOff = (): void => {};
  const operation: MemoryOperation = {
    id: `operation-${server.sequence}`,
    activity: work.activity,
    instances: work.instance === null ? [] : [work.instance],
    isRunning: true,
    isListed: work.isOperation,
    changesPower: work.changesPower === true,
    result: null,
    done,
    cut: () => {
      if (!operation.isRunning) return;
      operation.isRunning = false;
      callOff();
      work.cut?.();
      end(err(lost(work.purpose, operation.id)));
    },
  };
  function finish(result: Result<unknown, PlatformFailure>): void {
    operation.isRunning = false;
    operation.result = result;
    end(result);
    if (work.isOperation) server.clock.after(rememberedMs, () => server.operations.delete(operation.id));
    else server.operations.delete(operation.id);
  }
  if (work.changesPower === true) cutOthers(server, work);
  server.operations.set(operation.id, operation);
  const begun = work.begin?.() ?? ok(undefined);
  callOff = server.clock.after(begun.ok ? work.ms : server.takes.read, () => finish(begun.ok ? work.apply() : begun));
  return operation;
}

/** A forced stop ends one that hangs, and nothing starts an instance that is being stopped. */
function cutOthers(server: MemoryServer, { instance }: Pick<Work<unknown>, 'instance'>): void {
  for (const one of server.operations.values())
    if (one.changesPower && one.isRunning && instance !== null && one.instances.includes(instance)) one.cut();
}

function lost(purpose: string, operation: string | null): PlatformFailure {
  return platformFailure('connection-lost', purpose, 'the connection to the server broke', { operation });
}

async function later<T>(client: MemoryClient, ms: number, result: Result<T, PlatformFailure>): Answered<T> {
  await client.clock.sleep(ms);
  return result;
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
