import { err, ok, type Result } from '../../result.ts';
import { shellWords } from '../../text.ts';
import { queryWith } from '../query.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type {
  Answered,
  Capabilities,
  Commands,
  EventStream,
  InstanceAddress,
  InstanceEvent,
  Operation,
  Platform,
  OperationResult,
} from '../platform.ts';
import { executionsOf } from './executions.ts';
import { filesOf } from './files.ts';
import { instancesOf } from './instances.ts';
import { rehearsalsOf } from './rehearsals.ts';
import { quickRequest } from './quick-request.ts';
import { clientIn, type Fault, type MemoryClient, type MemoryRequest } from './requests.ts';
import { defaultProject, type MemoryServer, type Watcher } from './server.ts';
import { snapshotsOf } from './snapshots.ts';
import { describeMemoryServer, identityOf, storageOf } from './storage.ts';
import type { VirtualProcess } from './virtual-time.ts';

/** What a client of a server in memory may suffer. */
export interface ClientOptions {
  /** Of the process that the client belongs to: after `kill` nothing of it goes on. */
  readonly process: VirtualProcess;
  /** Asked before each request. */
  readonly faultOf?: (request: MemoryRequest) => Fault | null;
}

const product = 'Incus';

/** Connects a process to a server in memory. */
export function connectMemory(server: MemoryServer, { process, faultOf = () => null }: ClientOptions): Platform {
  return platformOf({ server, faultOf, counter: { requests: 0 }, ...process }, defaultProject);
}

function platformOf(client: MemoryClient, project: string): Platform {
  const { server, clock } = client;
  const startExec = executionsOf(client);
  return {
    product,
    project,
    clock,
    capabilities,
    commands,
    ...instancesOf(client),
    ...snapshotsOf(client),
    ...storageOf(client),
    ...filesOf(client),
    startExec,
    query: queryWith(startExec, clock),
    settle: (operation, how) => settle(client, operation, how),
    listOperations: () => listOperations(client),
    followInstances: (onEvent) => followInstances(client, onEvent),
    isShuttingDown: async () => server.shuttingDown,
    describeServer: () => describeMemoryServer(client),
    identifyServer: async () => ok(identityOf(server)),
    serverId: async () => server.id,
    rehearsals: rehearsalsOf(client),
    inProject: (name) => platformOf(clientIn(client, name), name),
  };
}

const capabilities: Capabilities = { restoreTakesBackConfiguration: true, restoreLosesDescription: true };

const pollMs = 250;

function listOperations(client: MemoryClient): Answered<Operation[]> {
  const { server } = client;
  return quickRequest(client, { name: 'listOperations', purpose: 'list what the server is doing' }, () =>
    ok([...server.operations.values()].filter(({ isListed }) => isListed).map(operationOf)),
  );
}

function operationOf({ id, activity, isRunning, instances }: Operation): Operation {
  return { id, activity, isRunning, instances };
}

async function settle(
  client: MemoryClient,
  operation: string,
  how: { readonly limitMs: number; readonly purpose: string },
): Answered<OperationResult> {
  const deadline = client.clock.monotonic() + how.limitMs;
  for (;;) {
    const known = await stateOf(client, operation, how.purpose);
    if (known.ok && known.value !== null) return ok(known.value);
    const isOver = client.clock.monotonic() >= deadline;
    if (isOver) return err(known.ok ? stillRunning(operation, how.purpose) : known.error);
    await client.clock.sleep(pollMs);
  }
}

function stillRunning(operation: string, purpose: string): PlatformFailure {
  return platformFailure('timed-out', purpose, 'it had not ended in time', { operation });
}

/** Null while it runs. */
function stateOf(client: MemoryClient, id: string, purpose: string): Answered<OperationResult | null> {
  const { server } = client;
  return quickRequest<OperationResult | null>(client, { name: 'settle', purpose }, () => {
    const operation = server.operations.get(id);
    if (operation === undefined) return ok({ kind: 'gone' });
    if (operation.result === null) return ok(null);
    return ok(operation.result.ok ? { kind: 'succeeded' } : { kind: 'failed', failure: operation.result.error });
  });
}

async function followInstances(client: MemoryClient, onEvent: (event: InstanceEvent) => void): Answered<EventStream> {
  const { server } = client;
  let end: (result: Result<void, PlatformFailure>) => void = () => {};
  const ended = new Promise<Result<void, PlatformFailure>>((resolve) => (end = resolve));
  const purpose = 'follow the events of the server';
  const watcher: Watcher = {
    onEvent: (event) => {
      if (!client.isDead()) onEvent(event);
    },
    onLost: () => end(err(platformFailure('connection-lost', purpose, 'the stream of events ended'))),
    isSilent: false,
  };
  const opened = await quickRequest(client, { name: 'followInstances', purpose }, () => {
    server.watchers.add(watcher);
    return ok(undefined);
  });
  if (!opened.ok) return opened;
  function close(): void {
    server.watchers.delete(watcher);
    end(ok(undefined));
  }
  return ok({ close, ended, isComplete: async () => server.watchers.has(watcher) && !watcher.isSilent });
}

/** Lines of a command-line client that does not exist, named after what they do. */
const commands: Commands = {
  client: 'memory',
  rollBack: (of, { restorePoint, start, startProtected, first = [] }) => [
    line('stop', of),
    ...first,
    ...restorePoint.volumes.map(({ pool, volume, snapshot }) =>
      shellWords(['memory', 'restore-volume', pool, volume, snapshot]),
    ),
    line('restore', of, restorePoint.name),
    ...(start && startProtected ? [line('allow-start', of)] : []),
    ...(start ? [line('start', of)] : []),
    ...(start && startProtected ? [line('protect-start', of)] : []),
  ],
  removeSnapshots: (of, names) => names.map((name) => line('remove-snapshot', of, name)),
  restoreSnapshot: (of, name) => line('restore', of, name),
  repairSnapshots: (of, { empty, nameless }) => [
    ...(nameless.length === 0 ? empty.map(({ name }) => line('remove-snapshot', of, name)) : []),
    ...nameless.map((name) => line('repair-snapshot', of, name)),
  ],
  removeMetadata: (of, key) => line('remove-metadata', of, key),
  removeInstance: (of) => line('remove', of),
  showInstance: (of) => line('show', of),
  listInstances: () => 'memory list',
  listProjects: () => 'memory list-projects',
  editProject: ({ project }) => shellWords(['memory', 'edit-project', project]),
  thawInstance: (of) => line('thaw', of),
  makePermanent: (of) => line('make-permanent', of),
  allowStart: (of) => line('allow-start', of),
  exec: (of, words) => line('exec', of, ...words),
  showPool: (pool) => shellWords(['memory', 'show-pool', pool]),
  resizeDisk: (of, device) => line('resize', of, device),
};

function line(verb: string, { instance }: Pick<InstanceAddress, 'instance'>, ...words: readonly string[]): string {
  return shellWords(['memory', verb, instance, ...words]);
}
