import type { Pool, PoolSpace, ServerIdentity } from '../platform/platform.ts';
import type { Result } from '../result.ts';

/** What `guard doctor` has seen of this host and its server. `null` means that it could not be seen. */
export interface HostFacts {
  readonly program: ProgramFacts;
  readonly server: Result<ServerFacts, Failure>;
  readonly client: ClientFacts;
  readonly state: StateFacts;
  readonly units: UnitsFacts;
  /** Whether the kernel's clock is synchronized. */
  readonly clockSynchronized: boolean | null;
  readonly terminal: TerminalFacts;
  readonly configuration: Result<{ readonly file: string | null }, Failure>;
  readonly unfinishedRuns: readonly UnfinishedRun[];
}

/** Why something cannot be done, and what to do: whole sentences. */
export interface Failure {
  readonly message: string;
  readonly advice: string;
}

export interface ProgramFacts {
  readonly version: string;
  readonly commit: string;
  readonly node: string;
  /** Whether Node is part of the program. */
  readonly isSingleFile: boolean;
}

/** The server's own command, by which a person manages it. */
export interface ClientFacts {
  readonly name: string;
  /** Null where there is none on this host. */
  readonly version: string | null;
}

export interface ServerFacts extends Omit<ServerIdentity, 'id'> {
  /** The name of its own command. */
  readonly client: string;
  /** As on the command line, with a colon; null for the local one. */
  readonly remote: string | null;
  readonly project: string;
  readonly allowsSnapshots: boolean | null;
  /** Null for a user who may not list them. */
  readonly pools: readonly PoolFacts[] | null;
  readonly instances: number;
  readonly hooks: readonly HookFacts[];
  /** Instances with a restore point in flight. */
  readonly restorePointsInFlight: readonly InFlight[];
}

export type PoolFacts = Pick<
  Pool,
  'name' | 'driver' | 'snapshotCopies' | 'snapshotReservesDisk' | 'restoreNeedsNewest'
> & {
  readonly space: PoolSpace | null;
};

/** The hook of one instance. */
export interface HookFacts {
  readonly instance: string;
  /** Whether every file is as this guard would install it. */
  readonly isCurrent: boolean;
  readonly agent: 'answers' | 'silent' | 'instance stopped';
}

export interface InFlight {
  readonly instance: string;
  /** The host of the run; null where it has not said so (yet). */
  readonly host: string | null;
  /** Null where only another host could tell. */
  readonly isAlive: boolean | null;
}

export interface StateFacts {
  readonly path: string;
  /** Why records cannot be written there; null where they can. */
  readonly problem: string | null;
  /** Permission bits; null where the folder does not exist yet. */
  readonly mode: number | null;
  /** On a file system that a reboot empties. */
  readonly isInMemory: boolean;
  /** Bytes. */
  readonly free: number | null;
}

export type UnitsFacts =
  | { readonly kind: 'systemd'; readonly agent: UnitFacts; readonly recover: UnitFacts }
  /** No systemd manages this host. */
  | { readonly kind: 'none' };

export interface UnitFacts {
  /** systemd's word: `enabled`, `disabled`, `static`, `masked`, or `not-found`. */
  readonly enabled: string;
  /** systemd's word: `active`, `inactive`, `failed`, … */
  readonly active: string;
}

export interface TerminalFacts {
  /** Whether somebody can be asked: both ends are a terminal. */
  readonly isInteractive: boolean;
  readonly columns: number | null;
  readonly isUtf8: boolean;
}

export interface UnfinishedRun {
  readonly run: string;
  /** As it is written on the command line, with its remote. */
  readonly instance: string;
  readonly project: string;
  readonly isAlive: boolean;
}
