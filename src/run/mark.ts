import type { Holder } from '../event.ts';
import { getInstance, patchInstance, type Instance } from '../incus/instance.ts';
import type { Incus } from '../incus/client.ts';
import type { IncusFailure } from '../incus/failure.ts';
import { isRunId } from '../journal/run-id.ts';
import { ok, type Result } from '../result.ts';

/**
 * The key of the instance that says which run may have changed it. It is written after the restore point is taken and
 * removed as soon as the change is kept; a restore takes it away by itself. So while a restore point is in flight:
 * mark present means "may have been changed, not decided", mark absent means "as the restore point, or kept".
 */
export const markKey = 'user.guard.run';

/** What the mark tells `guard recover` on any host. */
export interface Mark {
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
export const markOf = (instance: Pick<Instance, 'config'>): Mark | null => {
  const text = instance.config[markKey];
  if (!text) return null;
  try {
    const mark: unknown = JSON.parse(text);
    return isMark(mark) ? mark : null;
  } catch {
    return null;
  }
};

/** Whoever may configure the instance may write anything there: the run's id becomes part of a path, the name is shown. */
const isMark = (value: unknown): value is Mark => {
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
};

const isHolder = (value: unknown): value is Holder =>
  isObject(value) &&
  typeof value['host'] === 'string' &&
  typeof value['bootId'] === 'string' &&
  typeof value['pid'] === 'number' &&
  typeof value['startTicks'] === 'number';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Who won the instance: this run, or the one whose mark is there. */
export type Claim = { readonly claimed: true } | { readonly claimed: false; readonly by: Mark };

/**
 * Writes the mark by compare-and-swap. `stale` is a run whose mark was seen when no restore point was in flight: it
 * may be overwritten. Any other run's mark means that this run lost.
 */
export const claim = async (
  incus: Incus,
  name: string,
  mark: Mark,
  stale: string | null,
): Promise<Result<Claim, IncusFailure>> => {
  for (;;) {
    const instance = await getInstance(incus, name);
    if (!instance.ok) return instance;
    const present = markOf(instance.value);
    if (present && present.run !== stale && present.run !== mark.run) return ok({ claimed: false, by: present });
    const { etag } = instance.value;
    const written = await patchInstance(incus, name, { config: { [markKey]: JSON.stringify(mark) }, etag });
    if (written.ok) return ok({ claimed: true });
    // Somebody changed the instance's configuration in between: look again.
    if (written.error.kind !== 'changed') return written;
  }
};

/** Removes the mark: from here on the change counts as decided. Removing it twice does nothing. */
export const unmark = (incus: Incus, name: string): Promise<Result<void, IncusFailure>> =>
  patchInstance(incus, name, { config: { [markKey]: '' } });
