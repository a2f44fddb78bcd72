import { parseConfirmation, type Confirmation } from './confirmation.ts';
import type { Holder } from '../../event.ts';
import type { Instance } from '../../platform/platform.ts';
import { isRunId } from '../../journal/run-id.ts';
import { isHolder, isObject } from './parse-holder.ts';

/**
 * The key that identifies the run that may have changed the instance. It is written after the restore point is taken and
 * removed when the change is kept; a restore removes it too. So while a restore point is in flight:
 * a present marker means "may have been changed, not decided"; no marker means "equal to the restore point, or kept".
 */
export const markerKey = 'run';

/**
 * The key with the id of the last run whose change was kept. It is written by the request that removes the marker, so that a
 * host without the record of the run can tell a kept change from one that never began.
 */
export const keptKey = 'kept';

/** The key with the id of the last run that a host without its record has rolled back. The host of the run learns from it how it ended. */
export const rolledBackKey = 'rolled-back';

/** The content of the marker, for `guard recover` on any host. */
export interface RunMarker {
  readonly v: 1;
  readonly run: string;
  readonly holder: Holder;
  readonly wasRunning: boolean;
  /** The final name of the restore point. */
  readonly restorePointName: string;
  /** The change is healthy and waits, or waited, for a confirmation. */
  readonly confirmation?: Confirmation;
  /** How long the holder may give no sign of life, in milliseconds: nobody takes its run over sooner. */
  readonly leaseMs: number;
  /** When the mark was written, milliseconds since 1970. */
  readonly at: number;
  /** The holder finishes the run after its own guard was interrupted. Its change is over. */
  readonly recovering?: true;
}

/** Reads the marker from the configuration of an instance; null if there is none or it cannot be read. */
export function readMarker(instance: Pick<Instance, 'metadata'>): RunMarker | null {
  const text = instance.metadata[markerKey];
  if (!text) return null;
  try {
    const marker: unknown = JSON.parse(text);
    if (!isMarker(marker)) return null;
    // Only what was checked is used: a retention that is none is left out.
    const confirmation = parseConfirmation(marker.confirmation);
    return confirmation === null ? marker : { ...marker, confirmation };
  } catch {
    return null;
  }
}

/** Whether there is a marker that this guard cannot read: of a later version, or written by hand. */
export function isUnreadable(instance: Pick<Instance, 'metadata'>): boolean {
  return (instance.metadata[markerKey] ?? '') !== '' && readMarker(instance) === null;
}

/** Anybody who may configure the instance can write anything here. The id of the run becomes part of a path, and the name is displayed. */
function isMarker(value: unknown): value is RunMarker {
  if (!isObject(value)) return false;
  const { run, holder, wasRunning, restorePointName, leaseMs, at } = value;
  return (
    typeof run === 'string' &&
    isRunId(run) &&
    isHolder(holder) &&
    typeof wasRunning === 'boolean' &&
    typeof restorePointName === 'string' &&
    typeof leaseMs === 'number' &&
    typeof at === 'number' &&
    (value['recovering'] === undefined || value['recovering'] === true) &&
    (value['confirmation'] === undefined || parseConfirmation(value['confirmation']) !== null)
  );
}
