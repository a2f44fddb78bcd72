import type { Result } from '../result.ts';
import type { Incus, Limit } from './client.ts';
import type { IncusFailure } from './failure.ts';

/** An instance as the server describes it (`GET /1.0/instances/NAME`). */
export interface Instance {
  readonly name: string;
  /** `Running`, `Stopped`, `Frozen`, `Error`, … as the server writes it. Stays `Running` about 600 ms after init died. */
  readonly status: string;
  readonly type: 'container' | 'virtual-machine';
  /** An ephemeral instance is deleted, with its snapshots, by any stop. */
  readonly ephemeral: boolean;
  /** The cluster member; `none` on a single server. */
  readonly location: string;
  /** For `patchInstance`: changes with config, devices, profiles, start and stop; not with snapshots. */
  readonly etag: string;
  readonly description: string;
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Devices;
  /** Config and devices with those of the profiles. */
  readonly expandedConfig: Readonly<Record<string, string>>;
  readonly expandedDevices: Devices;
  readonly profiles: readonly string[];
  /** `volatile.uuid.generation`: changes with every restore, not with a restart. */
  readonly generation: string | null;
}

/** Devices by name, each with its keys. */
export type Devices = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What only a running instance has (`GET …/state`, about 30 ms). */
export interface InstanceState {
  readonly status: string;
  /** Process id of init on the host; 0 when stopped. */
  readonly pid: number;
  readonly processes: number;
  /** RFC 3339, or null when it does not run or the server does not tell. */
  readonly startedAt: string | null;
  /** Addresses that are not of the loopback, by interface name. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
}

/** What `patchInstance` can change. Keys set to `''` are removed; keys left out stay. */
export interface InstancePatch {
  readonly config?: Readonly<Record<string, string>>;
  readonly description?: string;
  /** Only if the instance still has this etag; else the failure is `changed`. */
  readonly etag?: string;
}

/** Reads the instance (about 2.5 ms). */
export const getInstance = (incus: Incus, name: string): Promise<Result<Instance, IncusFailure>> => notYet(incus, name);

/** Reads the state of the instance inside (about 30 ms). */
export const getInstanceState = (incus: Incus, name: string): Promise<Result<InstanceState, IncusFailure>> =>
  notYet(incus, name);

/** Names of all instances of the project. */
export const listInstanceNames = (incus: Incus): Promise<Result<string[], IncusFailure>> => notYet(incus);

/** Starts the instance and waits for it; one that runs already is a success. */
export const startInstance = (incus: Incus, name: string, limit: Limit): Promise<Result<void, IncusFailure>> =>
  notYet(incus, name, limit);

/**
 * Stops the instance and waits for it; one that is stopped already is a success. An ephemeral instance is refused,
 * because a stop would delete it.
 * Without `force` it is asked to shut down and has `limitMs` for it; when it did not, the failure is `timed-out`, the
 * instance most likely still runs, and the server refuses restore and changes until it was stopped with `force`.
 */
export const stopInstance = (
  incus: Incus,
  name: string,
  how: Limit & { readonly force: boolean },
): Promise<Result<void, IncusFailure>> => notYet(incus, name, how);

/** Changes config keys or the description at once (no operation). Blocks while a restore works on the instance. */
export const patchInstance = (incus: Incus, name: string, patch: InstancePatch): Promise<Result<void, IncusFailure>> =>
  notYet(incus, name, patch);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
