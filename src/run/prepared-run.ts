import type { RestorePoint } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import type { Instance, Pool, ServerIdentity, Snapshot } from '../platform/platform.ts';
import type { BootMark } from './command/instance-stop.ts';
import type { LeaseHandle } from './lock/lease.ts';
import type { RunMarker } from './lock/marker.ts';
import type { RestoreWatch } from './restore-watch.ts';
import type { QuiesceMarker } from './lock/quiesce-marker.ts';
import type { Disks } from './restore-point/disks.ts';
import type { SnapshotCopy } from './restore-point/free-space.ts';

/** The state of the instance before anything is changed. */
export interface Inspection {
  readonly instance: Instance;
  /** Tells the server from all others; null if it does not say. */
  readonly server: string | null;
  /** Null if guard is tested with this version of the server, or if the server does not say. */
  readonly untestedServer: ServerIdentity | null;
  readonly wasRunning: boolean;
  readonly pool: Pool | null;
  /** The copy that the restore point needs while the instance is frozen; null if the driver copies nothing. */
  readonly copy: SnapshotCopy | null;
  readonly disks: Disks;
  readonly snapshots: readonly Snapshot[];
  /** A marker without a restore point in flight, left by a restore of an old snapshot. It has no meaning. */
  readonly staleMarker: RunMarker | null;
  /** The marker of an interrupted run that quiesced the instance, or of a restored snapshot: the instance must be resumed. */
  readonly staleQuiesceMarker: QuiesceMarker | null;
}

/** The baseline and boot of a running instance. */
export interface RunningState {
  readonly baseline: Baseline;
  /** Null if the server did not report it. */
  readonly boot: BootMark | null;
}

/** An instance with a baseline, a restore point and the lock of this run. */
export interface PreparedRun extends RunningState {
  readonly inspected: Inspection;
  readonly restorePoint: RestorePoint;
  readonly lease: LeaseHandle;
  /** Only where the instance itself does not show restores. */
  readonly restores?: RestoreWatch | null;
}
