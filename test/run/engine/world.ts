import { Writable } from 'node:stream';

import { checkDefaults } from '../../../src/check-default.ts';
import type { Holder, RecordedEvent } from '../../../src/event.ts';
import type { Baseline } from '../../../src/health/baseline.ts';
import { foldEvents, type RunRecord } from '../../../src/journal/runs.ts';
import { connectMemory } from '../../../src/platform/memory/memory.ts';
import type { Fault, MemoryRequest } from '../../../src/platform/memory/requests.ts';
import {
  addInstance,
  addVolume,
  createMemoryServer,
  projectOf,
  type MemoryInstance,
  type MemoryProcess,
  type MemoryServer,
  type MemoryVolume,
} from '../../../src/platform/memory/server.ts';
import { createVirtualTime, type VirtualProcess, type VirtualTime } from '../../../src/platform/memory/virtual-time.ts';
import type { Instance, Platform } from '../../../src/platform/platform.ts';
import { ok } from '../../../src/result.ts';
import { createInterrupter } from '../../../src/run/interruption.ts';
import type { RunPlan } from '../../../src/run/changes/change.ts';
import { commandChange } from '../../../src/run/changes/command.ts';
import { createRecorder, type Recorder } from '../../../src/run/recorder.ts';
import type { RunTools } from '../../../src/run/tools.ts';

/** A server with the instance `web`, and the records of a host. Nothing of it needs real time. */
export interface World {
  readonly time: VirtualTime;
  readonly server: MemoryServer;
  readonly instance: MemoryInstance;
  readonly volume: MemoryVolume | null;
  /** The events of each run, as this host's journal has them. */
  readonly journal: Map<string, RecordedEvent[]>;
  /** Processes that were killed. */
  readonly dead: Set<number>;
  pids: number;
  /** How long the service takes after each start before it is healthy, in milliseconds. */
  slowStartMs: number;
  /** A shell of the copy has the means to send a request to the package proxy. */
  asksProxy: boolean;
  /** Called while the command works. */
  onCommand: () => void;
}

export const instanceName = 'web';

/** The project of the copies. */
export const rehearsalProject = 'guard-rehearsal';

/** What the command of a run does to the instance. */
export type CommandKind = 'good' | 'fails' | 'breaks' | 'breaks-at-boot';

export interface WorldOptions {
  readonly isRunning?: boolean;
  readonly hasVolume?: boolean;
  readonly type?: Instance['type'];
  readonly disks?: Instance['disks'];
  readonly startProtected?: boolean;
}

/** Makes the world. Its service is healthy at version `v1`, and broken at `broken`. */
export function createWorld(options: WorldOptions = {}): World {
  const time = createVirtualTime();
  const server = createMemoryServer({ clock: time.startProcess().clock, exec: (process) => exec(world, process) });
  const volume = options.hasVolume === true ? addVolume(server, 'default', 'data', 'v1') : null;
  const instance = addInstance(server, instanceName, {
    status: options.isRunning === false ? 'Stopped' : 'Running',
    type: options.type ?? 'container',
    startProtected: options.startProtected ?? false,
    disks: [
      ...(volume === null
        ? []
        : [{ device: 'data', path: '/data', kind: 'volume', pool: 'default', volume: 'data' } as const]),
      ...(options.disks ?? []),
    ],
  });
  const world: World = {
    time,
    server,
    instance,
    volume,
    journal: new Map(),
    dead: new Set(),
    pids: 1,
    slowStartMs: 0,
    asksProxy: false,
    onCommand: () => {},
  };
  setVersion(world, 'v1');
  return world;
}

/** Installs a version, in the root file system and in the volume. */
export function setVersion({ instance, volume }: Pick<World, 'instance' | 'volume'>, version: string): void {
  instance.files = new Map(instance.files);
  instance.files.set('/srv/app', { kind: 'file', content: Buffer.from(version), user: 0, group: 0, mode: 0o644 });
  if (volume !== null) volume.content = version;
}

/** The version that is installed; both, where the root file system and the volume differ. */
export function versionOf({ instance, volume }: Pick<World, 'instance' | 'volume'>): string {
  const file = instance.files.get('/srv/app');
  const root = file?.kind === 'file' ? file.content.toString() : 'none';
  return volume === null || volume.content === root ? root : `${root} with ${volume.content} in the volume`;
}

/** The instance that a command runs in, with its volume: the user's, or the copy of a rehearsal. */
function partsOf(world: World, instance: MemoryInstance): Pick<World, 'instance' | 'volume'> {
  if (instance === world.instance) return world;
  const disk = instance.disks.find(({ kind }) => kind === 'volume');
  const { volumes } = projectOf(world.server, rehearsalProject);
  return { instance, volume: disk?.kind === 'volume' ? (volumes.get(`${disk.pool}/${disk.volume}`) ?? null) : null };
}

/** Commands inside that the engine and its checks use, and `change KIND`, which is the user's. */
async function exec(world: World, process: MemoryProcess): Promise<number | 'not-found'> {
  const [name, kind] = process.command;
  switch (name) {
    case 'true':
    case 'resume':
      return 0;
    case 'check-health':
      return hasStarted(world, process) && isHealthy(partsOf(world, process.instance)) ? 0 : 1;
    case 'change':
      return change(world, process, kind ?? 'good');
    case 'sh':
      // Readiness, and every other question of guard's own: a shell that has nothing special to say.
      await process.write(
        'stdout',
        world.asksProxy && process.command.join(' ').includes('echo sent') ? 'sent\n' : 'systemd running\n',
      );
      return 0;
    default:
      return 'not-found';
  }
}

function hasStarted({ slowStartMs }: World, { instance, clock }: MemoryProcess): boolean {
  return slowStartMs === 0 || clock.now() - Date.parse(instance.lastStartedAt ?? '') >= slowStartMs;
}

/** A service that only breaks at the next boot is fine until then. */
function isHealthy(parts: Pick<World, 'instance' | 'volume'>): boolean {
  const version = versionOf(parts);
  const isLatent = version.startsWith('latent');
  if (version === 'broken' || (isLatent && version !== latentVersion(parts.instance))) return false;
  return !parts.instance.files.has('/srv/quiesced');
}

/** Broken from the next boot on. */
function latentVersion({ lastStartedAt }: MemoryInstance): string {
  return `latent since ${lastStartedAt}`;
}

/** Takes a while; what it was killed before is not done. */
async function change(world: World, process: MemoryProcess, kind: string): Promise<number> {
  await process.clock.sleep(200);
  if (process.killed.aborted) return 137;
  setVersion(partsOf(world, process.instance), versionAfter(kind, process.instance));
  world.onCommand();
  await process.clock.sleep(200);
  return kind === 'fails' ? 1 : 0;
}

function versionAfter(kind: string, instance: MemoryInstance): string {
  switch (kind) {
    case 'good':
      return 'v2';
    case 'breaks':
      return 'broken';
    case 'breaks-at-boot':
      return latentVersion(instance);
    default:
      return 'half';
  }
}

const second = 1000;

/** A run of `change KIND`, judged by one check. */
export function planOf(kind: CommandKind, run: string, more: Partial<RunPlan> = {}): RunPlan {
  return {
    run,
    version: '0.0.0',
    instance: instanceName,
    project: 'default',
    remote: null,
    command: { words: ['change', kind], environment: {}, user: 0, group: 0, cwd: '/root' },
    change: commandChange,
    pushes: [],
    confirmation: null,
    checks: [
      {
        ...checkDefaults,
        kind: 'exec',
        name: 'health',
        command: ['check-health'],
        environment: {},
        user: 0,
        cwd: '/',
        timeoutMs: 5 * second,
        intervalMs: second,
        retries: 2,
      },
    ],
    automatic: false,
    askServers: false,
    allowUnhealthy: false,
    acceptNothingCompared: false,
    uncovered: 'warn',
    okStatus: [{ first: 0, last: 0 }],
    onFailure: { command: 'rollback', unhealthy: 'rollback', inconclusive: 'rollback', timeout: 'rollback' },
    askMs: second,
    obeyQuarantine: false,
    keepFailed: false,
    onUnchanged: 'rollback',
    restart: false,
    rehearsedBy: null,
    hooks: {},
    stopFirst: false,
    restorePoint: { name: `guard-${run}`, named: false, keep: 3, expiresMs: null },
    limits: {
      commandMs: 600 * second,
      idleMs: null,
      verifyMs: 4 * second,
      soakMs: second,
      stopMs: 10 * second,
      snapshotMs: 60 * second,
      restoreMs: 300 * second,
      readyMs: 60 * second,
      lockMs: 0,
      leaseMs: 120 * second,
    },
    ...more,
  };
}

/** A guard of this host, or of another one, which has other records. */
export interface Guard {
  readonly process: VirtualProcess;
  readonly platform: Platform;
  readonly tools: RunTools;
}

/** Starts a guard for a run. `host`: a holder of another host cannot be seen from here. */
export function startGuard(
  world: World,
  options: {
    readonly run: string;
    readonly host?: string;
    readonly faultOf?: (request: MemoryRequest) => Fault | null;
  },
): Guard {
  const { run, host = 'here', faultOf } = options;
  const process = world.time.startProcess();
  const pid = world.pids;
  world.pids += 1;
  process.onKill(() => world.dead.add(pid));
  const platform = connectMemory(world.server, { process, ...(faultOf ? { faultOf } : {}) });
  const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
  const tools: RunTools = {
    platform,
    clock: process.clock,
    recorder: recorderOf(world, run, process),
    interruption: createInterrupter(),
    io: { terminal: null, stdin: null, stdout: nowhere(), stderr: nowhere(), begin: () => () => {} },
    holder: { host, pid, bootId: host, network: host, id: String(pid) },
    inspectHolder: (holder) => inspectHolder(world, host, holder),
    keptRestorePoints: async () => [],
    failedChanges: async () => [],
    confirmation: {
      readClocks: () => ({ now: process.clock.now(), bootId: host, sinceBootMs: process.clock.boottime() }),
      ready: async () => {},
      arm: async () => ok(undefined),
      ask: null,
      tryCommand: async () => false,
      outcomeOf: async () => null,
      tellUsers: async () => {},
    },
    person: null,
  };
  return { process, platform, tools };
}

function inspectHolder(world: World, host: string, holder: Holder): 'alive' | 'dead' | 'elsewhere' {
  if (holder.host !== host) return 'elsewhere';
  return world.dead.has(holder.pid) ? 'dead' : 'alive';
}

/** Appends to the journal of this host, as long as its process lives. */
export function recorderOf(world: World, run: string, process: VirtualProcess): Recorder {
  return createRecorder({
    run,
    clock: process.clock,
    listener: () => {},
    openStore: async () =>
      ok({
        append: async (event) => {
          if (process.isDead()) return new Promise(() => {});
          world.journal.set(run, [...(world.journal.get(run) ?? []), event]);
          return ok(undefined);
        },
        saveEvidence: async (name) => ok(`/evidence/${name}`),
        close: async () => {},
      }),
  });
}

/** The record of a run; null where nothing was written of it. */
export function recordOf(world: World, run: string): RunRecord | null {
  const events = world.journal.get(run);
  return events === undefined ? null : foldEvents(run, '/', events);
}

/** The baseline that the record has. */
export function baselineOf(record: RunRecord | null): Baseline | null {
  const event = record?.events.findLast(({ type }) => type === 'baseline-recorded');
  return event?.type === 'baseline-recorded' ? (event.baseline as Baseline) : null;
}
