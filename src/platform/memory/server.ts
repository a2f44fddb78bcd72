import type { Clock } from '../../clock.ts';
import { err, ok, type Result } from '../../result.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Disk, InstanceEvent, InstanceType, Metadata, Operation, Pool, PoolSpace } from '../platform.ts';

/** A server in memory. It outlives its clients, and does what it was asked although they die. */
export interface MemoryServer {
  /** Tells it from all other servers. */
  readonly id: string;
  version: string;
  /** Whether instances have a generation. */
  hasGenerations: boolean;
  readonly clock: Clock;
  readonly instances: Map<string, MemoryInstance>;
  readonly pools: Map<string, MemoryPool>;
  /** By pool and name: `pool/volume`. */
  readonly volumes: Map<string, MemoryVolume>;
  readonly operations: Map<string, MemoryOperation>;
  readonly watchers: Set<Watcher>;
  /** The server as each project sees it, by the project's name; `default` is the server itself. */
  readonly projects: Map<string, MemoryServer>;
  /** Runs commands inside. */
  exec: ExecHandler;
  /** Until then nobody answers: it restarts. By the monotonic clock, milliseconds. */
  downUntil: number;
  shuttingDown: boolean;
  /** Of the machine, in bytes. */
  readonly memory: { totalBytes: number; usedBytes: number };
  /** How long things take, in milliseconds. */
  readonly takes: Readonly<Record<Duration, number>>;
  /** Counts what must be unique: times of creation, generations, operations. */
  sequence: number;
}

type Duration = 'read' | 'change' | 'snapshot' | 'restore' | 'start' | 'stop' | 'gracefulStop' | 'restart';

export interface MemoryInstance {
  name: string;
  readonly uuid: string;
  readonly createdAt: string;
  status: 'Running' | 'Stopped' | 'Frozen';
  readonly type: InstanceType;
  ephemeral: boolean;
  readonly startProtected: boolean;
  description: string;
  metadata: Metadata;
  configuration: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly disks: readonly Disk[];
  snapshotSchedule: string | null;
  /** Null on a server that does not tell. */
  generation: string | null;
  lastStartedAt: string | null;
  files: Map<string, MemoryFile>;
  snapshots: MemorySnapshot[];
  /** Data that no snapshot has any more: the server died while it renamed one. */
  nameless: string[];
  /** Ignores being asked to shut down. */
  ignoresShutdown: boolean;
  /** A shutdown that it ignores is still under way, and in the way of everything. */
  isStopping: boolean;
  readonly processes: Set<MemoryProcess>;
}

export type MemoryFile =
  | {
      readonly kind: 'file';
      readonly content: Buffer;
      readonly user: number;
      readonly group: number;
      readonly mode: number;
    }
  | { readonly kind: 'folder' }
  | { readonly kind: 'link'; readonly target: string };

export interface MemorySnapshot {
  name: string;
  readonly createdAt: string;
  expiresAt: string | null;
  readonly metadata: Metadata;
  readonly configuration: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, MemoryFile>;
  readonly wasRunning: boolean;
  /** False where the server died while it took or removed it. */
  hasData: boolean;
}

export interface MemoryPool extends Pool {
  space: PoolSpace;
}

export interface MemoryVolume {
  /** Whatever the tests keep in it. */
  content: string;
  snapshots: { name: string; readonly createdAt: string; expiresAt: string | null; readonly content: string }[];
  otherUsers: number;
  /** The rehearsal that it was copied for; absent for a volume of the user's. */
  readonly run?: string;
}

export interface MemoryOperation extends Operation {
  isRunning: boolean;
  readonly changesPower?: boolean;
  /** False for a request that is answered at once. */
  readonly isListed: boolean;
  /** Null while it runs. */
  result: Result<unknown, PlatformFailure> | null;
  readonly done: Promise<Result<unknown, PlatformFailure>>;
  /** Ends it as a server that dies: nobody hears of it again. */
  readonly cut: () => void;
}

export interface Watcher {
  readonly onEvent: (event: InstanceEvent) => void;
  readonly onLost: () => void;
  /** The connection is broken, and nobody says so: nothing comes any more. */
  isSilent: boolean;
}

/** A command inside. */
export interface MemoryProcess {
  readonly instance: MemoryInstance;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly readInput: () => Promise<string>;
  readonly write: (stream: 'stdout' | 'stderr', text: string | Buffer) => Promise<void>;
  /** Aborts when it is killed; what it does after that is lost. */
  readonly killed: AbortSignal;
  readonly clock: Clock;
  /** Ends it with 128 and the signal's number. */
  readonly kill: (signal: number) => void;
}

/** The status with which a command ends, or why it could not be started. */
export type ExecHandler = (process: MemoryProcess) => Promise<number | 'not-found' | 'not-executable'>;

const defaultTakes = {
  read: 2,
  change: 12,
  snapshot: 40,
  restore: 270,
  start: 150,
  stop: 600,
  gracefulStop: 760,
  restart: 3000,
} as const;

/** A server with one pool, named `default`, that does what btrfs does. */
export function createMemoryServer(options: {
  readonly clock: Clock;
  readonly exec: ExecHandler;
  readonly takes?: Partial<MemoryServer['takes']>;
  readonly id?: string;
}): MemoryServer {
  const server: MemoryServer = {
    id: options.id ?? 'memory',
    version: '6.0.4',
    hasGenerations: true,
    clock: options.clock,
    instances: new Map(),
    projects: new Map(),
    pools: new Map([['default', poolLikeBtrfs('default')]]),
    volumes: new Map(),
    operations: new Map(),
    watchers: new Set(),
    exec: options.exec,
    downUntil: 0,
    shuttingDown: false,
    memory: { totalBytes: 64 * gibibyte, usedBytes: gibibyte },
    takes: { ...defaultTakes, ...options.takes },
    sequence: 0,
  };
  server.projects.set(defaultProject, server);
  return server;
}

export const defaultProject = 'default';

/** The server as a project sees it: with instances, volumes, operations and events of its own. Everything else is shared. */
export function projectOf(server: MemoryServer, name: string): MemoryServer {
  const { projects } = server;
  const root = projects.get(defaultProject) ?? server;
  const view = projects.get(name) ?? {
    ...root,
    instances: new Map(),
    volumes: new Map(),
    operations: new Map(),
    watchers: new Set(),
    get exec() {
      return root.exec;
    },
    get downUntil() {
      return root.downUntil;
    },
    get shuttingDown() {
      return root.shuttingDown;
    },
    get sequence() {
      return root.sequence;
    },
    set sequence(value) {
      root.sequence = value;
    },
  };
  projects.set(name, view);
  return view;
}

const gibibyte = 1024 ** 3;

export function poolLikeBtrfs(name: string): MemoryPool {
  return {
    name,
    driver: 'btrfs',
    snapshotFreezesInstance: false,
    snapshotCopies: false,
    snapshotReservesDisk: false,
    restoreNeedsNewest: false,
    copyBlocksRestore: false,
    usageLeavesOutShared: true,
    defaultDiskBytes: null,
    space: { usedBytes: gibibyte, totalBytes: 10 * gibibyte },
  };
}

/** Adds an instance that runs, with a root disk in the pool `default`. */
export function addInstance(
  server: MemoryServer,
  name: string,
  more: Partial<
    Pick<
      MemoryInstance,
      'disks' | 'status' | 'type' | 'startProtected' | 'snapshotSchedule' | 'ephemeral' | 'environment'
    >
  > = {},
): MemoryInstance {
  const instance: MemoryInstance = {
    name,
    uuid: newUuid(server),
    createdAt: timeNow(server),
    status: 'Running',
    type: 'container',
    ephemeral: false,
    startProtected: false,
    description: '',
    metadata: {},
    configuration: {},
    environment: {},
    snapshotSchedule: null,
    generation: newGeneration(server),
    lastStartedAt: timeNow(server),
    files: new Map([['/root', { kind: 'folder' }]]),
    snapshots: [],
    nameless: [],
    ignoresShutdown: false,
    isStopping: false,
    processes: new Set(),
    ...more,
    disks: [{ device: 'root', kind: 'root', path: '/', pool: 'default', sizeBytes: null }, ...(more.disks ?? [])],
  };
  server.instances.set(name, instance);
  return instance;
}

/** As a user renames an instance: its uuid and its snapshots stay. */
export function renameInstance(server: MemoryServer, from: string, to: string): void {
  const instance = server.instances.get(from);
  if (instance === undefined || server.instances.has(to)) throw new Error(`cannot rename ${from} to ${to}`);
  server.instances.delete(from);
  instance.name = to;
  server.instances.set(to, instance);
}

/** Adds a custom volume; attach it with a disk of the instance. */
export function addVolume(server: MemoryServer, pool: string, name: string, content: string): MemoryVolume {
  const volume = { content, snapshots: [], otherUsers: 0 };
  server.volumes.set(`${pool}/${name}`, volume);
  return volume;
}

/** A moment as the server writes it, each one later than the last. */
export function timeNow(server: MemoryServer): string {
  server.sequence += 1;
  const fraction = String(server.sequence % 1_000_000).padStart(6, '0');
  return new Date(server.clock.now()).toISOString().replace('Z', `${fraction}Z`);
}

function newUuid(server: MemoryServer): string {
  server.sequence += 1;
  return `uuid-${server.sequence}`;
}

export function newGeneration(server: MemoryServer): string | null {
  server.sequence += 1;
  return server.hasGenerations ? `generation-${server.sequence}` : null;
}

/** Whether its records of the snapshots contradict each other. */
export function isInconsistent({ snapshots, nameless }: MemoryInstance): boolean {
  return nameless.length > 0 || snapshots.some(({ hasData }) => !hasData);
}

/** Kills whatever runs inside. */
export function killProcesses(instance: MemoryInstance, signal: number): void {
  for (const process of instance.processes) process.kill(signal);
}

/** Tells the followers that something happened to an instance. */
export function announce(server: MemoryServer, instance: string, isRestore = false): void {
  for (const watcher of server.watchers) if (!watcher.isSilent) watcher.onEvent({ instance, isRestore });
}

/** The server dies now, and answers again a little later. What it was doing is cut off where it is. */
export function crash(server: MemoryServer): void {
  const root = projectOf(server, defaultProject);
  root.downUntil = server.clock.monotonic() + server.takes.restart;
  for (const { operations, watchers, instances } of server.projects.values()) {
    for (const operation of operations.values()) operation.cut();
    operations.clear();
    for (const watcher of watchers) watcher.onLost();
    watchers.clear();
    for (const instance of instances.values()) instance.isStopping = false;
  }
}

export function noInstance(purpose: string): Result<never, PlatformFailure> {
  return err(platformFailure('not-found', purpose, 'Instance not found', { code: 404 }));
}

/** The instance of that name, or `not-found`. */
export function findInstance(
  server: MemoryServer,
  name: string,
  purpose: string,
): Result<MemoryInstance, PlatformFailure> {
  const instance = server.instances.get(name);
  return instance === undefined ? noInstance(purpose) : ok(instance);
}
