/**
 * The port between guard and a server of instances. `incus/` is the adapter for Incus, `memory/` a server in memory for
 * tests; test/platform/conformance.ts holds both to what is written here.
 *
 * Rules for every function:
 * - A failure is a `PlatformFailure`. A rejected promise is a bug.
 * - `timed-out` and `connection-lost` mean that the result is unknown. Where the failure has an `operation`,
 *   `settle` tells.
 * - Times on the wire are RFC 3339 texts as the server writes them; limits are in milliseconds; sizes are in bytes.
 * - Names are exact. No function takes a pattern, and none removes an instance, a volume, a pool or a project.
 */

import type { Readable, Writable } from 'node:stream';

import type { Clock } from '../clock.ts';
import type { PlatformFailure } from './failure.ts';
import type { Rehearsals } from './rehearsals.ts';
import type { Answered, Limit } from './request.ts';

export type { Answered, Limit } from './request.ts';

/** A server, seen from one project of it. */
export interface Platform extends Instances, Snapshots, Storage, Executions, Files, Operations {
  /** The server's own name for a sentence: `Incus`. */
  readonly product: string;
  readonly project: string;
  readonly clock: Clock;
  readonly capabilities: Capabilities;
  readonly commands: Commands;
  readonly rehearsals: Rehearsals;
  /** The same server, seen from another project. */
  readonly inProject: (project: string) => Platform;
  /**
   * Whether the server is about to end, and waits for what is under way, also for an exec that is held open.
   * False where it does not answer at all.
   */
  readonly isShuttingDown: () => Promise<boolean>;
  readonly describeServer: () => Answered<ServerDescription>;
  readonly identifyServer: () => Answered<ServerIdentity>;
  /** Tells this server from all others, whatever it is called; the same for all members of a cluster. Null where it does not say. */
  readonly serverId: () => Promise<string | null>;
  /** Follows the instances of the project from now on. A success means that no event is missed any more. */
  readonly followInstances: (onEvent: (event: InstanceEvent) => void) => Answered<EventStream>;
}

/** What answers, in one request. */
export interface ServerIdentity {
  /** As of `serverId`. */
  readonly id: string | null;
  /** What answers: `Incus`, or another server with the same interface. */
  readonly product: string;
  readonly version: string;
  /** The versions of the product that guard is tested with: `6.0` is every 6.0.x. */
  readonly testedVersions: readonly string[];
}

/** The server, for people who look after it. */
export interface ServerDescription extends ServerIdentity {
  /** Whether snapshots may be taken in this project; null where this user may not see it. */
  readonly allowsSnapshots: boolean | null;
  /** Null where this user may not list them. */
  readonly pools: readonly Pool[] | null;
}

/** What differs between servers, where guard has to act on it. */
export interface Capabilities {
  /** A restore takes back the configuration, the devices and guard's metadata too. */
  readonly restoreTakesBackConfiguration: boolean;
  /** A restore may lose the description, which then has to be written again. */
  readonly restoreLosesDescription: boolean;
}

// Instances

export interface Instances {
  /** Reads one instance. */
  readonly getInstance: (name: string) => Answered<Instance>;
  /** Reads what only a running instance has; slower than `getInstance` by a factor of ten. */
  readonly getInstanceState: (name: string) => Answered<InstanceState>;
  /**
   * Of the addresses that the instance claims to have, those that are its own as far as the server knows: it gave them to
   * the instance, or they lie in the network of one of its network devices, and belong to nobody else there. Never the
   * loopback, link-local and other special ones.
   */
  readonly confirmAddresses: (name: string, claimed: readonly string[]) => Answered<string[]>;
  readonly listInstanceNames: () => Answered<string[]>;
  /** All instances of the project. Their `revision` is empty. */
  readonly listInstances: () => Answered<Instance[]>;
  /**
   * Starts the instance and waits for it; one that runs already is a success, and one that is `startProtected` is started
   * too and stays so.
   */
  readonly startInstance: (name: string, limit: Limit) => Answered<void>;
  /**
   * Stops the instance and waits for it; one that is stopped already is a success. An ephemeral one is refused as
   * `invalid`, because a stop would delete it. Without `force` the instance is asked to shut down within `limitMs`;
   * where it does not, the failure is `timed-out`, the instance most likely still runs, and the server refuses restores
   * and changes as `busy` until it is stopped with `force`.
   */
  readonly stopInstance: (name: string, how: Limit & { readonly force: boolean }) => Answered<void>;
  /** Resumes a frozen instance; one that is not frozen is a success. */
  readonly thawInstance: (name: string, limit: Limit) => Answered<void>;
  /** Changes guard's own metadata or the description at once. What is left out stays as it is. */
  readonly patchInstance: (name: string, patch: InstancePatch) => Answered<void>;
  /** Copies an instance, without its snapshots and without guard's metadata, on the same pool. The copy is stopped. */
  readonly copyInstance: (from: string, copy: InstanceCopy, limit: Limit) => Answered<void>;
}

/** An application container is an image of one program (OCI): the server replaces its root file system as a whole. */
export type InstanceType = 'container' | 'application-container' | 'virtual-machine';

export interface Instance {
  readonly name: string;
  /**
   * Tells it from every instance that had, or will have, its name on its server. Stays with a restore, a rename and a move to another
   * project, pool or member; an instance that is imported from a backup has that of the original. Null where the server does not tell.
   */
  readonly uuid: string | null;
  /** RFC 3339; null where the server does not tell. */
  readonly createdAt: string | null;
  /** `Running`, `Stopped` or `Frozen`; anything else as the server says it. Stays `Running` for about 600 ms after init died. */
  readonly status: string;
  readonly type: InstanceType;
  /** Deleted, with its snapshots, by any stop. */
  readonly ephemeral: boolean;
  /** The cluster member that it is on; null on a single server. */
  readonly location: string | null;
  /** The most memory that it may take; null where it has no limit in bytes. */
  readonly memoryLimitBytes: number | null;
  /** For a compare-and-swap: changes with configuration, metadata, start and stop; not with snapshots. */
  readonly revision: string;
  readonly description: string;
  /** guard's own keys and values on the instance. A restore takes them back to what they were at the snapshot. */
  readonly metadata: Metadata;
  /** What its user configured, without guard's and the server's own notes: only to be compared with a snapshot's. */
  readonly configuration: Configuration;
  readonly disks: readonly Disk[];
  /** Environment variables that the server gives every command. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its user protected it from being started. */
  readonly startProtected: boolean;
  /** When the server takes snapshots of it by itself; null for never. */
  readonly snapshotSchedule: string | null;
  /** Changes with every restore, and not with a restart; null where the server does not tell. */
  readonly generation: string | null;
  /** RFC 3339: when it was started last, also by a reboot from inside; null where the server does not tell. */
  readonly lastStartedAt: string | null;
}

/** guard's own notes on an instance, by short names such as `run`. Anybody who may configure the instance may write them. */
export type Metadata = Readonly<Record<string, string>>;

/** Settings and devices, each as one opaque text by its name. Values may be secrets. */
export interface Configuration {
  readonly keys: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, string>>;
}

/** A disk of an instance, those of its profiles included. */
export type Disk = {
  readonly device: string;
  /** Where it is inside; `/` for the root. */
  readonly path: string;
} & (
  | {
      readonly kind: 'root';
      readonly pool: string;
      /** Its own limit; null where it has none. */
      readonly sizeBytes: number | null;
    }
  | { readonly kind: 'volume'; readonly pool: string; readonly volume: string }
  /** A volume that the instance's own snapshot contains. Nobody may take or restore a snapshot of it alone. */
  | { readonly kind: 'dependent-volume'; readonly pool: string; readonly volume: string }
  /** Empty after each start, or over what the root disk has there. */
  | { readonly kind: 'memory' }
  /** A folder of the host. */
  | { readonly kind: 'host-path'; readonly source: string }
  /** Something else that is not in a pool. */
  | { readonly kind: 'other'; readonly source: string }
);

export interface InstanceState {
  readonly status: string;
  /** Memory in use; 0 where the server does not count it. */
  readonly memoryBytes: number;
  /** Addresses that are not of the loopback, by interface name. Root inside chooses them: see `confirmAddresses`. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** Disks with a limit of their own, by device name. */
  readonly disks: Readonly<Record<string, DiskUsage>>;
}

export interface DiskUsage {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

export interface InstancePatch {
  /** Keys set to `''` are removed; keys left out stay. */
  readonly metadata?: Metadata;
  readonly description?: string;
  /** Only if the instance still has this revision; else the failure is `changed`, and nothing was changed. */
  readonly revision?: string;
}

/** A second instance, made from what the first one is now. */
export interface InstanceCopy {
  readonly name: string;
  readonly description: string;
  /** Without network, ports and volumes, not started with the server, and without snapshots of its own. */
  readonly detached: true;
}

// Snapshots

export interface Snapshots {
  /**
   * Takes a snapshot and reads it back: a success means that the server lists it. A name that exists is `name-taken`,
   * also where somebody else is taking it at this moment. `expiresAt: null` means never, whatever the instance's own
   * settings say.
   */
  readonly createSnapshot: (
    instance: string,
    wanted: { readonly name: string; readonly expiresAt: Date | null },
    limit: Limit,
  ) => Answered<Snapshot>;
  /** All snapshots of the instance, oldest first. Their `revision` is empty. */
  readonly listSnapshots: (instance: string) => Answered<Snapshot[]>;
  readonly getSnapshot: (instance: string, name: string) => Answered<Snapshot>;
  /** Renames a snapshot; `createdAt` stays. A name that exists is `name-taken`. */
  readonly renameSnapshot: (instance: string, from: string, to: string, limit: Limit) => Answered<void>;
  /** Sets when the server removes the snapshot by itself; null means never. With a `revision` a compare-and-swap: `changed`. */
  readonly setSnapshotExpiry: (
    instance: string,
    name: string,
    expiresAt: Date | null,
    revision?: string,
  ) => Answered<void>;
  /** Removes one snapshot by its exact name. Refused as `busy` while a restore of the instance is under way. */
  readonly deleteSnapshot: (instance: string, name: string, limit: Limit) => Answered<void>;
  /**
   * Puts the instance back to the snapshot. A running instance is killed, restored and started again; a stopped one stays
   * stopped. After ANY failure the instance may be stopped: read its state again. With the `revision` of the instance, only
   * if it has not changed since; else the failure is `changed`, and nothing was done.
   */
  readonly restoreSnapshot: (
    instance: string,
    name: string,
    limit: Limit & { readonly revision?: string },
  ) => Answered<void>;
  /**
   * Snapshots that a server which was killed left half done. While there are any it takes, renames and restores no
   * snapshot, changes no configuration and starts nothing: `inconsistent-snapshots`. None where that cannot be seen.
   * `seen`: the snapshots, where they were just listed.
   */
  readonly findInconsistentSnapshots: (
    instance: Instance,
    seen?: readonly Snapshot[],
  ) => Promise<InconsistentSnapshots>;
}

export interface Snapshot {
  readonly name: string;
  /** RFC 3339. With the name it identifies the exact snapshot. */
  readonly createdAt: string;
  /** RFC 3339; null means never. */
  readonly expiresAt: string | null;
  /** For `setSnapshotExpiry`: changes with the expiry. Empty in a list. */
  readonly revision: string;
  /** The instance's metadata and configuration when it was taken. */
  readonly metadata: Metadata;
  readonly configuration: Configuration;
  /** Whether the instance ran when it was taken. */
  readonly wasRunning: boolean;
  /** What it takes of the pool by itself, in bytes; null if the storage driver does not tell. */
  readonly sizeBytes: number | null;
}

export interface InconsistentSnapshots {
  /** Snapshots without data: the server died while it took or removed them. To remove them (again) loses nothing. */
  readonly empty: readonly Pick<Snapshot, 'name' | 'createdAt' | 'expiresAt'>[];
  /** Names of data that no snapshot has: the server died while it renamed one. guard cannot repair that. */
  readonly nameless: readonly string[];
}

// Storage

export interface Storage {
  readonly getPool: (name: string) => Answered<Pool>;
  /** How full the pool is. `server` where the pool does not report it. */
  readonly getPoolSpace: (name: string) => Answered<PoolSpace>;
  readonly getVolume: (pool: string, volume: string) => Answered<Volume>;
  /** Takes a snapshot of a custom volume (it may be in use) and reads it back. `expiresAt: null` means never. */
  readonly snapshotVolume: (
    pool: string,
    volume: string,
    wanted: { readonly name: string; readonly expiresAt: Date | null },
    limit: Limit,
  ) => Answered<VolumeSnapshot>;
  /** All snapshots of a custom volume, oldest first. */
  readonly listVolumeSnapshots: (pool: string, volume: string) => Answered<VolumeSnapshot[]>;
  /** Puts a custom volume back to its snapshot. `busy` while any running instance uses it. */
  readonly restoreVolume: (pool: string, volume: string, snapshot: string, limit: Limit) => Answered<void>;
  readonly renameVolumeSnapshot: (
    pool: string,
    volume: string,
    from: string,
    to: string,
    limit: Limit,
  ) => Answered<void>;
  /** Sets when the server removes the volume's snapshot by itself; null means never. */
  readonly setVolumeSnapshotExpiry: (
    pool: string,
    volume: string,
    snapshot: string,
    expiresAt: Date | null,
  ) => Answered<void>;
  /** Removes one snapshot of a custom volume by its exact name. */
  readonly deleteVolumeSnapshot: (pool: string, volume: string, snapshot: string, limit: Limit) => Answered<void>;
}

/** A storage pool, by what it can do. */
export interface Pool {
  readonly name: string;
  /** The driver's name, for people only. */
  readonly driver: string;
  /** The instance is frozen while a snapshot of it is taken. */
  readonly snapshotFreezesInstance: boolean;
  /** A snapshot copies every file: it needs as much room as they do, and its time. */
  readonly snapshotCopies: boolean;
  /** A snapshot reserves as much as the whole disk is large. */
  readonly snapshotReservesDisk: boolean;
  /** Only the newest snapshot can be restored: newer ones, and a snapshot of the present, stand in the way. */
  readonly restoreNeedsNewest: boolean;
  /** A copy of the instance stands in the way of a later restore. */
  readonly copyBlocksRestore: boolean;
  /** The used bytes of a limited disk leave out what snapshots share. */
  readonly usageLeavesOutShared: boolean;
  /** The size of a disk that has none of its own; null where such a disk is not limited. */
  readonly defaultDiskBytes: number | null;
}

export interface PoolSpace {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

/** A custom storage volume. It is not part of an instance's snapshots. */
export interface Volume {
  readonly pool: string;
  readonly name: string;
  /** The names of the instances of this project that use it. */
  readonly instances: readonly string[];
  /** How many others use it: profiles, and instances of other projects. */
  readonly otherUsers: number;
}

export interface VolumeSnapshot {
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339; null means never. */
  readonly expiresAt: string | null;
}

// Commands inside

export interface Executions {
  /**
   * Starts a command. A success means that the server has the command, and all connections to it; whether the executable
   * exists is known when it ends. The command is started at most once.
   */
  readonly startExec: (instance: string, request: ExecRequest, streams: ExecStreams) => Answered<Exec>;
  /**
   * Runs a command inside and collects what it writes. At the limit the end is `timed-out`, and the process that was
   * started is killed with SIGKILL. Processes that it started itself live on: ask with commands that start nothing of
   * their own, or bound them inside (`timeout -k`).
   */
  readonly query: (instance: string, question: ExecQuery) => Answered<ExecResult>;
}

/** A command to run inside an instance. No shell is involved: the argument vector arrives as it is. */
export interface ExecRequest {
  readonly command: readonly string[];
  /** Seen by everyone on the host who can list processes: never put a secret here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: number;
  readonly group?: number;
  /** A folder that does not exist is silently replaced by `/` by the server. */
  readonly cwd?: string;
  /** Size of the terminal to make inside, or null for plain streams. */
  readonly terminal: null | { readonly columns: number; readonly rows: number };
}

/** Where the bytes come from and go to. None of them is closed or ended by the exec. */
export interface ExecStreams {
  /** Null: the command sees an empty stdin (end of file at once). */
  readonly stdin: Readable | null;
  readonly stdout: Writable;
  /** Unused with a terminal. */
  readonly stderr: Writable;
}

/** A command under way. */
export interface Exec {
  /** Id of the operation. */
  readonly operation: string;
  /** Tells the terminal inside its new size. */
  readonly resize: (columns: number, rows: number) => void;
  /** Sends a signal by number to the direct child only; its own children do not get it. */
  readonly signal: (signal: number) => void;
  /** Drops all connections: the server then kills the direct child with SIGKILL; grandchildren survive. */
  readonly abandon: () => void;
  /** Resolves after all output was handed to the Writables. `connection-lost`: how the command ended is not known. */
  readonly ended: Answered<ExecEnd>;
}

/** How the command ended. A status above 128 may be a signal, or a stop of the instance: ask its state. */
export type ExecEnd =
  | {
      readonly kind: 'exited';
      readonly status: number;
      /** The connection for output ended before all of it had come. */
      readonly outputLost?: true;
    }
  /** The executable does not exist, or something ended with 127 without output: Incus does not tell these apart. */
  | { readonly kind: 'not-found' }
  /** It cannot be executed, or something ended with 126 without output. */
  | { readonly kind: 'not-executable' };

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
  /**
   * It changes nothing, and its output matters: where the server loses a part of it, it is asked again, and in the end fails
   * (`connection-lost`). A short answer is never taken for a whole one.
   */
  readonly readOnly?: true;
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

// Files inside. They work on stopped instances too.

export interface Files {
  /** Writes a file (replaces one that exists). The folder must exist. A stream is never held in memory. */
  readonly pushFile: (
    instance: string,
    path: string,
    content: string | Buffer | Readable,
    how: FileOwner & Limit,
  ) => Answered<void>;
  /** Reads a file of at most `maxBytes`; a longer one, or a folder, is `invalid`. */
  readonly pullFile: (
    instance: string,
    path: string,
    how: Limit & { readonly maxBytes: number },
  ) => Answered<PulledFile>;
  /** The names in a folder, of at most `maxBytes` altogether; a file is `invalid`. */
  readonly listFolder: (
    instance: string,
    path: string,
    how: Limit & { readonly maxBytes: number },
  ) => Answered<string[]>;
  /** Makes one folder; its parent must exist. One that exists is a success. */
  readonly makeDirectory: (instance: string, path: string, how: FileOwner & Limit) => Answered<void>;
  /** Makes a symbolic link. */
  readonly makeLink: (instance: string, path: string, target: string, how: FileOwner & Limit) => Answered<void>;
  /** Removes one file, or one empty folder. */
  readonly deleteFile: (instance: string, path: string, limit: Limit) => Answered<void>;
}

/** Owner and mode of a file inside. Numbers as seen inside the instance; mode like `0o755`. */
export interface FileOwner {
  readonly user?: number;
  readonly group?: number;
  readonly mode?: number;
}

export interface PulledFile {
  readonly content: Buffer;
  readonly user: number;
  readonly group: number;
  readonly mode: number;
}

// Operations and events

export interface Operations {
  /**
   * After a `timed-out` or a `connection-lost` with an `operation`: asks again and again, through a restart of the server
   * too, until the operation has ended or is forgotten. `timed-out` when it still runs at the limit.
   */
  readonly settle: (operation: string, how: Limit & { readonly purpose: string }) => Answered<OperationResult>;
  /** What the server is doing in the project, and what has ended within the last seconds. */
  readonly listOperations: () => Answered<Operation[]>;
}

/** How an operation ended. `gone`: the server forgot it (soon after its end, or it was restarted); look for its effect. */
export type OperationResult =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly failure: PlatformFailure }
  | { readonly kind: 'gone' };

export interface Operation {
  readonly id: string;
  /** A restart counts as `stop`. One from inside the instance is no operation. */
  readonly activity: 'stop' | 'restore' | 'exec' | 'other';
  readonly isRunning: boolean;
  /** Names of the instances it works on. */
  readonly instances: readonly string[];
}

/** Something happened to an instance that can change whether, or how, it is reached. */
export interface InstanceEvent {
  readonly instance: string;
  /** Somebody restored one of its snapshots. */
  readonly isRestore: boolean;
}

export interface EventStream {
  readonly close: () => void;
  /**
   * Asks over the connection of the stream itself. True: every event until now has come. False: the stream is over, or nothing
   * answers, as with a connection that only one side knows to be broken.
   */
  readonly isComplete: () => Promise<boolean>;
  /** Resolves when the stream is over: ok after `close`, `connection-lost` when the server went away. */
  readonly ended: Answered<void>;
}

// Commands for a person

/** What names an instance on a command line. */
export interface InstanceAddress {
  readonly instance: string;
  readonly project: string;
  /** As in the server's own command-line client; null for the local server. */
  readonly remote: string | null;
}

/** Lines that a person can type into a shell, built from the names that are really on the server. */
export interface Commands {
  /** The command that they all begin with. */
  readonly client: string;
  /**
   * The lines that finish a rollback, in order. `restorePoint` under the names that its snapshots have at this moment;
   * `start`: the instance ran before; `startProtected`: it is protected from being started, also after the restore and in the
   * end; `first`: lines that clear away what is in the way of every restore.
   */
  readonly rollBack: (
    of: InstanceAddress,
    what: {
      readonly restorePoint: { readonly name: string; readonly volumes: readonly VolumePointName[] };
      readonly start: boolean;
      readonly startProtected: boolean;
      readonly first?: readonly string[];
    },
  ) => string[];
  readonly removeSnapshots: (of: InstanceAddress, names: readonly string[]) => string[];
  readonly restoreSnapshot: (of: InstanceAddress, name: string) => string;
  /** The lines that repair inconsistent snapshots; some are for the server itself. Nothing is lost by them. */
  readonly repairSnapshots: (of: InstanceAddress, inconsistent: InconsistentSnapshots) => string[];
  readonly removeMetadata: (of: InstanceAddress, key: string) => string;
  readonly removeInstance: (of: InstanceAddress) => string;
  readonly showInstance: (of: InstanceAddress) => string;
  readonly listInstances: (of: Pick<InstanceAddress, 'project' | 'remote'>) => string;
  readonly listProjects: (of: Pick<InstanceAddress, 'remote'>) => string;
  readonly editProject: (of: Pick<InstanceAddress, 'project' | 'remote'>) => string;
  readonly thawInstance: (of: InstanceAddress) => string;
  readonly makePermanent: (of: InstanceAddress) => string;
  /** Ends the protection from being started. */
  readonly allowStart: (of: InstanceAddress) => string;
  readonly exec: (of: InstanceAddress, words: readonly string[]) => string;
  readonly showPool: (pool: string) => string;
  readonly resizeDisk: (of: InstanceAddress, device: string) => string;
}

export interface VolumePointName {
  readonly pool: string;
  readonly volume: string;
  readonly snapshot: string;
}
