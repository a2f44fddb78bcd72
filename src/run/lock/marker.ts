import type { Holder } from '../../event.ts';
import type { Instance, Platform } from '../../platform/platform.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import { othersLimitMs, retryTransient } from '../../platform/retry.ts';
import { isRunId } from '../../journal/run-id.ts';
import type { Result } from '../../result.ts';

/**
 * The key of the instance that says which run may have changed it. It is written after the restore point is taken and
 * removed as soon as the change is kept; a restore takes it away by itself. So while a restore point is in flight:
 * mark present means "may have been changed, not decided", mark absent means "as the restore point, or kept".
 */
export const markerKey = 'run';

/** What the mark tells `guard recover` on any host. */
export interface RunMarker {
  readonly v: 1;
  readonly run: string;
  readonly holder: Holder;
  readonly wasRunning: boolean;
  /** The final name of the restore point. */
  readonly restorePointName: string;
  /** When the mark was written, milliseconds since 1970. */
  readonly at: number;
}

/** Reads the mark from an instance's own configuration; null where there is none or it cannot be read. */
export function readMarker(instance: Pick<Instance, 'metadata'>): RunMarker | null {
  const text = instance.metadata[markerKey];
  if (!text) return null;
  try {
    const marker: unknown = JSON.parse(text);
    return isMarker(marker) ? marker : null;
  } catch {
    return null;
  }
}

/** There is a mark, and yet nobody here can read it: of a later guard, or written by hand. */
export function isUnreadable(instance: Pick<Instance, 'metadata'>): boolean {
  return (instance.metadata[markerKey] ?? '') !== '' && readMarker(instance) === null;
}

/** Whoever may configure the instance may write anything there: the run's id becomes part of a path, the name is shown. */
function isMarker(value: unknown): value is RunMarker {
  if (!isObject(value)) return false;
  const { run, holder, wasRunning, restorePointName, at } = value;
  return (
    typeof run === 'string' &&
    isRunId(run) &&
    isHolder(holder) &&
    typeof wasRunning === 'boolean' &&
    typeof restorePointName === 'string' &&
    typeof at === 'number'
  );
}

export function isHolder(value: unknown): value is Holder {
  return (
    isObject(value) &&
    typeof value['host'] === 'string' &&
    typeof value['bootId'] === 'string' &&
    typeof value['pid'] === 'number' &&
    typeof value['startTicks'] === 'number'
  );
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Removes the mark: from here on the change counts as decided. Removing it twice does nothing. */
export function removeMarker(platform: Platform, name: string): Promise<Result<void, PlatformFailure>> {
  return retryTransient(platform, othersLimitMs).patchInstance(name, { metadata: { [markerKey]: '' } });
}
