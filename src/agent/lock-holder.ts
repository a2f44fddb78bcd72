import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import { describeFailure } from '../platform/failure.ts';
import { readMarker } from '../run/lock/marker.ts';
import type { InspectHolder } from '../run/tools.ts';
import { inFlightName, leaseOf, type Lease } from '../run/lock/in-flight.ts';

/** Whether another run is in progress on the instance. */
export type ActiveRun =
  | { readonly kind: 'free' }
  /** A run with a restore point is in progress. The transaction is part of its change. */
  | { readonly kind: 'guarded' }
  | { readonly kind: 'unknown'; readonly message: string };

/** How long to wait for a run that is just starting or ending, in milliseconds. */
const betweenMs = 5000;

/**
 * Reads the restore point in flight of the instance and its owner. Waits `limitMs` milliseconds for the end of an interrupted run,
 * except for the run that belongs to the asking package manager (`isSame`): whoever finishes that run waits for it.
 */
export async function findActiveRun(
  tools: {
    readonly platform: Platform;
    readonly clock: Clock;
    readonly inspectHolder: InspectHolder;
    /** Whether the guard of the run has lost it, although its process lives. `lease` is that of the restore point in flight. */
    readonly hasLost: (run: string, lease: Lease | null) => Promise<boolean>;
  },
  name: string,
  limitMs: number,
  isSame: (run: string) => Promise<boolean>,
): Promise<ActiveRun> {
  const began = tools.clock.monotonic();
  const isOver = (afterMs: number): boolean => tools.clock.monotonic() - began >= afterMs;
  for (;;) {
    const snapshot = await tools.platform.getSnapshot(name, inFlightName);
    if (!snapshot.ok)
      return snapshot.error.kind === 'not-found'
        ? { kind: 'free' }
        : { kind: 'unknown', message: describeFailure(snapshot.error) };
    const instance = await tools.platform.getInstance(name);
    if (!instance.ok) return { kind: 'unknown', message: describeFailure(instance.error) };
    const mark = readMarker(instance.value);
    if (mark !== null && (await isSame(mark.run))) return { kind: 'guarded' };
    if (mark?.confirmation !== undefined)
      return {
        kind: 'unknown',
        message: `The change of run ${mark.run} waits to be confirmed or rolled back, and the rollback would undo this transaction.`,
      };
    const lease = leaseOf(snapshot.value.expiresAt);
    const lives =
      mark !== null && tools.inspectHolder(mark.holder) !== 'dead' && !(await tools.hasLost(mark.run, lease));
    if (lives && mark.recovering !== true) return { kind: 'guarded' };
    // A recovery, perhaps by this agent, rolls back what is changed now.
    if (mark !== null && isOver(limitMs))
      return {
        kind: 'unknown',
        message: lives
          ? `Run ${mark.run} was interrupted and is being recovered.`
          : `Run ${mark.run} was interrupted. Finish it with guard recover.`,
      };
    if (mark === null && isOver(betweenMs))
      return { kind: 'unknown', message: 'Another run is starting or ending, or was interrupted.' };
    await tools.clock.sleep(100);
  }
}
