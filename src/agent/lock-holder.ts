import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import { describeFailure } from '../platform/failure.ts';
import { readMarker } from '../run/lock/marker.ts';
import type { InspectHolder } from '../run/tools.ts';
import { inFlightName } from '../run/lock/in-flight.ts';

/** Whether another run has the instance. */
export type ActiveRun =
  | { readonly kind: 'free' }
  /** There is a way back, and its run will decide: what the package manager does is part of that run's change. */
  | { readonly kind: 'guarded' }
  | { readonly kind: 'unknown'; readonly message: string };

/** How long a run that just begins or ends is waited for, in milliseconds. */
const betweenMs = 5000;

/**
 * Looks at the instance's restore point in flight, and at whose it is. An interrupted run is waited for, `limitMs` milliseconds;
 * not so the one that `isSame` says is the asker's own, whose end is waited for by whoever finishes that run.
 */
export async function findActiveRun(
  tools: { readonly platform: Platform; readonly clock: Clock; readonly inspectHolder: InspectHolder },
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
    if (mark !== null && tools.inspectHolder(mark.holder) !== 'dead') return { kind: 'guarded' };
    if (mark !== null && (await isSame(mark.run))) return { kind: 'guarded' };
    // A transaction of an agent that was killed is finished by this one, at this moment.
    if (mark !== null && isOver(limitMs))
      return {
        kind: 'unknown',
        message: `Run ${mark.run} was interrupted. Finish it with guard recover.`,
      };
    if (mark === null && isOver(betweenMs))
      return { kind: 'unknown', message: 'Another run is starting or ending, or was interrupted.' };
    await tools.clock.sleep(100);
  }
}
