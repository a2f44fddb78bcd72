import type { Answered, OperationResult, Platform } from '../platform.ts';
import { queryWith } from '../query.ts';
import { ok } from '../../result.ts';
import type { Rehearsals } from '../rehearsals.ts';
import {
  connectPackageProxy,
  createRehearsalCopy,
  disconnectPackageProxy,
  getServerMemory,
  proxyPort,
  planRehearsalCopy,
} from './rehearsal/copy.ts';
import { ensureRehearsalPlace, inProject } from './rehearsal/place.ts';
import { deleteCopiedVolume, deleteRehearsalCopy } from './rehearsal/removal.ts';
import type { Fleet } from '../fleet.ts';
import { commandsOf } from './commands.ts';
import { openFleet } from './fleet.ts';
import { startExec } from './exec/exec.ts';
import { closeIncus, openIncus, type Incus } from './http/client.ts';
import { listOperations, settle, type Operation, type OperationRequest } from './http/operations.ts';
import { findInconsistentSnapshots } from './storage/inconsistent-snapshots.ts';
import {
  getInstance,
  getInstanceState,
  listInstanceNames,
  listInstances,
  startInstance,
  stopInstance,
  thawInstance,
  patchInstance,
} from './instances/instance.ts';
import { confirmAddresses } from './instances/addresses.ts';
import { copyInstance } from './instances/copy.ts';
import {
  createSnapshot,
  listSnapshots,
  getSnapshot,
  renameSnapshot,
  setSnapshotExpiry,
  deleteSnapshot,
  restoreSnapshot,
} from './instances/snapshot.ts';
import { getPool, getPoolSpace, listPools } from './storage/pool.ts';
import {
  getVolume,
  snapshotVolume,
  listVolumeSnapshots,
  restoreVolume,
  renameVolumeSnapshot,
  setVolumeSnapshotExpiry,
  deleteVolumeSnapshot,
} from './storage/volume.ts';
import { pushFile, pullFile, listFolder, makeDirectory, makeLink, deleteFile } from './instances/files.ts';
import { followInstances } from './http/events.ts';
import { describeServer, getServer, isShuttingDown, serverId } from './http/server.ts';
import type { Operation as PortOperation } from '../platform.ts';

/** Connects to a daemon on its unix socket. Opens nothing yet: the first request connects. */
export function openIncusPlatform(options: Parameters<typeof openIncus>[0]): OpenPlatform {
  const incus = openIncus(options);
  return { platform: incusPlatform(incus), fleet: openFleet(incus), close: () => closeIncus(incus) };
}

export interface OpenPlatform {
  readonly platform: Platform;
  readonly fleet: Fleet;
  /** Closes idle connections. Requests under way end on their own. */
  readonly close: () => void;
}

/** The platform behind a connection to Incus. */
export function incusPlatform(incus: Incus): Platform {
  const start: Platform['startExec'] = (...words) => startExec(incus, ...words);
  return {
    product: incus.product,
    project: incus.project,
    clock: incus.clock,
    capabilities: { restoreTakesBackConfiguration: true, restoreLosesDescription: true },
    commands: commandsOf(incus.product),
    rehearsals: rehearsalsOf(incus),
    inProject: (project) => incusPlatform(inProject(incus, project)),
    getInstance: (...words) => getInstance(incus, ...words),
    getInstanceState: (...words) => getInstanceState(incus, ...words),
    confirmAddresses: (...words) => confirmAddresses(incus, ...words),
    listInstanceNames: (...words) => listInstanceNames(incus, ...words),
    listInstances: (...words) => listInstances(incus, ...words),
    startInstance: (...words) => startInstance(incus, ...words),
    stopInstance: (...words) => stopInstance(incus, ...words),
    thawInstance: (...words) => thawInstance(incus, ...words),
    patchInstance: (...words) => patchInstance(incus, ...words),
    copyInstance: (...words) => copyInstance(incus, ...words),
    createSnapshot: (...words) => createSnapshot(incus, ...words),
    listSnapshots: (...words) => listSnapshots(incus, ...words),
    getSnapshot: (...words) => getSnapshot(incus, ...words),
    renameSnapshot: (...words) => renameSnapshot(incus, ...words),
    setSnapshotExpiry: (...words) => setSnapshotExpiry(incus, ...words),
    deleteSnapshot: (...words) => deleteSnapshot(incus, ...words),
    restoreSnapshot: (...words) => restoreSnapshot(incus, ...words),
    getPool: (...words) => getPool(incus, ...words),
    getPoolSpace: (...words) => getPoolSpace(incus, ...words),
    getVolume: (...words) => getVolume(incus, ...words),
    snapshotVolume: (...words) => snapshotVolume(incus, ...words),
    listVolumeSnapshots: (...words) => listVolumeSnapshots(incus, ...words),
    restoreVolume: (...words) => restoreVolume(incus, ...words),
    renameVolumeSnapshot: (...words) => renameVolumeSnapshot(incus, ...words),
    setVolumeSnapshotExpiry: (...words) => setVolumeSnapshotExpiry(incus, ...words),
    deleteVolumeSnapshot: (...words) => deleteVolumeSnapshot(incus, ...words),
    pushFile: (...words) => pushFile(incus, ...words),
    pullFile: (...words) => pullFile(incus, ...words),
    listFolder: (...words) => listFolder(incus, ...words),
    makeDirectory: (...words) => makeDirectory(incus, ...words),
    makeLink: (...words) => makeLink(incus, ...words),
    deleteFile: (...words) => deleteFile(incus, ...words),
    followInstances: (...words) => followInstances(incus, ...words),
    isShuttingDown: (...words) => isShuttingDown(incus, ...words),
    describeServer: () => describeServer(incus, () => listPools(incus)),
    identifyServer: () => getServer(incus),
    serverId: () => serverId(incus),
    startExec: start,
    query: queryWith(start, incus.clock),
    settle: (operation, how) => settled(incus, operation, how),
    listOperations: async () => {
      const operations = await listOperations(incus);
      return operations.ok ? ok(operations.value.map(operationOf)) : operations;
    },
    findInconsistentSnapshots: (instance, seen) => findInconsistentSnapshots(incus, instance, seen ?? null),
  };
}

function rehearsalsOf(incus: Incus): Rehearsals {
  return {
    proxyPort,
    ensurePlace: () => ensureRehearsalPlace(incus),
    planCopy: (...words) => planRehearsalCopy(incus, ...words),
    createCopy: (...words) => createRehearsalCopy(incus, ...words),
    connectPackageProxy: (...words) => connectPackageProxy(incus, ...words),
    disconnectPackageProxy: (...words) => disconnectPackageProxy(incus, ...words),
    deleteCopy: (...words) => deleteRehearsalCopy(incus, ...words),
    deleteVolume: (...words) => deleteCopiedVolume(incus, ...words),
    getServerMemory: (location) => getServerMemory(incus, location),
  };
}

async function settled(incus: Incus, operation: string, how: OperationRequest): Answered<OperationResult> {
  const end = await settle(incus, operation, how);
  if (!end.ok) return end;
  const { kind } = end.value;
  return ok(kind === 'failed' ? { kind, failure: end.value.failure } : { kind });
}

function operationOf({ id, description, statusCode, instances, class: kind }: Operation): PortOperation {
  return { id, instances, isRunning: statusCode < 200, activity: activityOf(description, kind) };
}

/** The descriptions are those of Incus 6.0 to 7.x and LXD 5 and 6. */
function activityOf(description: string, kind: string): PortOperation['activity'] {
  if (/^(Stopping|Restarting)/.test(description)) return 'stop';
  if (description.startsWith('Restoring')) return 'restore';
  return kind === 'websocket' ? 'exec' : 'other';
}
