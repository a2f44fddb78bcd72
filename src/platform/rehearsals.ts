import type { RehearsalCopy } from '../event.ts';
import type { Answered, Limit } from './request.ts';

/** Isolated copies of instances, in a project of guard's own. The only instances that guard can delete. */
export interface Rehearsals {
  /**
   * Makes project and network of the copies where they are missing, and restores their configuration where somebody
   * changed it: isolation is proven before each copy, not remembered. `name-taken` where a thing of that name is not guard's.
   */
  readonly ensurePlace: () => Answered<RehearsalPlace>;
  /** How a copy of the instance would differ from it. Changes nothing. */
  readonly planCopy: (instance: string, request: CopyRequest) => Answered<CopyPlan>;
  /** Copies the instance, running or not, and its own volumes into the place. Where it fails, parts may be there. */
  readonly createCopy: (place: RehearsalPlace, instance: string, plan: CopyPlan, limit: Limit) => Answered<void>;
  /** Leads `proxyPort` of the running copy to a socket on the server's own host. */
  readonly connectPackageProxy: (place: RehearsalPlace, copy: string, socket: string, limit: Limit) => Answered<void>;
  readonly disconnectPackageProxy: (place: RehearsalPlace, copy: string, limit: Limit) => Answered<void>;
  /** Where package managers of the copy find guard's package proxy. */
  readonly proxyPort: number;
  /** Stops and deletes a copy; `invalid` unless project, uuid and run are those of the record. One that is gone is a success. */
  readonly deleteCopy: (copy: RehearsalCopy, run: string, limit: Limit) => Answered<void>;
  /** The same for a volume that was copied with the instance. */
  readonly deleteVolume: (
    volume: { readonly pool: string; readonly copy: string },
    run: string,
    limit: Limit,
  ) => Answered<void>;
  /** Reads the memory of the server, or of the cluster member that the instance is on. Restricted users may not. */
  readonly getServerMemory: (location: string | null) => Answered<ServerMemory>;
}

/** Where copies live: nothing on this network reaches anything but the network's own DHCP and DNS. */
export interface RehearsalPlace {
  readonly project: string;
  readonly network: string;
}

/** What a copy is made for. */
export interface CopyRequest {
  readonly uuid: string;
  readonly run: string;
  readonly network: string;
  /** Volumes that only this instance uses, by device. */
  readonly ownVolumes: readonly { readonly device: string; readonly pool: string; readonly volume: string }[];
  /** The most memory that the copy may take, in bytes; null for the original's own limit. */
  readonly memoryBytes: number | null;
}

/** How the copy differs from the original. */
export interface CopyPlan {
  /** Keys that are set on the copy, as the server writes them; `''` clears what the original has. */
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly hasNetwork: boolean;
  readonly removed: readonly RemovedDevice[];
  readonly removedSettings: readonly RemovedSetting[];
  readonly volumes: readonly CopiedVolume[];
  /** The cluster member that the original is on, where the copy has to be too; null on a single server. */
  readonly location: string | null;
  /** Whether the copy is on the machine of the server that answers: sockets of that machine lead to no other cluster member. */
  readonly isOnAnsweringServer: boolean;
}

/** A device of the original that its copy lacks. */
export interface RemovedDevice {
  readonly device: string;
  /** Why the copy does not have it, to be read after the device's name. */
  readonly because: string;
  /** What inside leads to it: paths, and addresses that it listens on there. */
  readonly paths: readonly string[];
}

/** A part of the original's configuration that its copy lacks, although the original's services may depend on it. */
export interface RemovedSetting {
  readonly setting: string;
  /** Why the copy does not have it, to be read after the setting's name. */
  readonly because: string;
  /** The path inside that is therefore not mounted, or null. */
  readonly path: string | null;
}

/** A custom volume that is copied with the instance. */
export interface CopiedVolume {
  readonly device: string;
  readonly pool: string;
  readonly volume: string;
  /** The name of the copy in guard's project. */
  readonly copy: string;
}

/** The server's memory in bytes. */
export interface ServerMemory {
  readonly totalBytes: number;
  readonly usedBytes: number;
}
