import { formatDuration } from '../../duration.ts';
import type { Outcome } from '../../event.ts';
import { neutralise, shellWords } from '../../text.ts';
import { formatTime } from '../../time.ts';
import type { Platform } from '../../platform/platform.ts';
import { readMarker, type RunMarker } from './marker.ts';
import { readQuiesceMarker } from './quiesce-marker.ts';
import { busy, refused, refusedBecause } from '../refusal.ts';
import type { InspectHolder } from '../tools.ts';

/**
 * Describes the holder of the instance whose restore point is in flight. A dead holder left an interrupted
 * run: that is refused, since waiting does not help. Without a marker, a run is just starting or ending. `waitedMs` is how
 * long the run has waited already; null if its command cannot wait.
 */
export function describeHolder(
  tools: { readonly inspectHolder: InspectHolder },
  marker: Pick<RunMarker, 'run' | 'holder' | 'confirmation'> | null,
  waitedMs: number | null = 0,
): Outcome {
  if (marker === null)
    return busy(
      'Another run is starting or ending on this instance.',
      `${waitAdvice(waitedMs)} If this message stays, a run was interrupted: finish it with \`guard recover\`.`,
    );
  if (marker.confirmation?.state === 'waiting')
    return busy(
      `Run ${marker.run} of host ${neutralise(marker.holder.host)} waits for a confirmation until ${formatTime(marker.confirmation.deadline.at)} and is rolled back then.`,
      'Keep its change with `guard confirm`, or roll it back now with `guard rollback`. If that host is lost, `guard recover` rolls it back after the deadline.',
    );
  const who = `run ${marker.run} (host ${marker.holder.host}, pid ${marker.holder.pid})`;
  switch (tools.inspectHolder(marker.holder)) {
    case 'dead':
      return refused(
        `A run on this instance was interrupted: ${who} has ended without finishing.`,
        `Finish it first: ${shellWords(['guard', 'recover'])}`,
      );
    case 'alive':
      return busy(`Another run is in progress on this instance: ${who}.`, waitAdvice(waitedMs));
    case 'elsewhere':
      return busy(
        `Another run is in progress on this instance: ${who}.`,
        `${waitAdvice(waitedMs)} If that host is permanently lost, finish the run with \`guard recover\`.`,
      );
  }
}

function waitAdvice(waitedMs: number | null): string {
  if (waitedMs === null) return 'Try again later.';
  if (waitedMs === 0) return 'Let guard wait with --wait-lock 5m, or try again later.';
  return `It did not end within ${formatDuration(waitedMs)}. Wait longer, or try again later.`;
}

/** Describes the current holder of the instance. `waitedMs` is how long the run has waited for it. */
export async function currentLockHolder(
  instance: string,
  tools: { readonly platform: Platform; readonly inspectHolder: InspectHolder },
  waitedMs = 0,
): Promise<Outcome> {
  const seen = await tools.platform.getInstance(instance);
  return seen.ok
    ? describeHolder(tools, readMarker(seen.value) ?? readQuiesceMarker(seen.value), waitedMs)
    : refusedBecause(seen.error);
}
