import type { Outcome } from '../../event.ts';
import { shellWords } from '../../text.ts';
import type { Platform } from '../../platform/platform.ts';
import { readMarker, type RunMarker } from './marker.ts';
import { readQuiesceMarker } from './quiesce-marker.ts';
import { busy, refused, refusedBecause } from '../refusal.ts';
import type { InspectHolder } from '../tools.ts';

/**
 * Says who holds the instance whose restore point is in flight. A holder that is known to be dead left an interrupted
 * run behind: that is refused, since waiting would not help. A mark that is missing belongs to a run that just begins or ends.
 */
export function describeHolder(
  tools: { readonly inspectHolder: InspectHolder },
  marker: Pick<RunMarker, 'run' | 'holder'> | null,
): Outcome {
  if (marker === null)
    return busy(
      'Another run is starting or ending on this instance.',
      'Try again, or let guard wait with --wait-lock 5m. If this message stays, a run was interrupted: finish it with `guard recover`.',
    );
  const who = `run ${marker.run} (host ${marker.holder.host}, pid ${marker.holder.pid})`;
  switch (tools.inspectHolder(marker.holder)) {
    case 'dead':
      return refused(
        `A run on this instance was interrupted: ${who} has ended without finishing.`,
        `Finish it first: ${shellWords(['guard', 'recover'])}`,
      );
    case 'alive':
      return busy(`Another run holds this instance: ${who}.`, 'Wait for it with --wait-lock 5m, or try again later.');
    case 'elsewhere':
      return busy(
        `Another run holds this instance: ${who}.`,
        `Wait for it with --wait-lock 5m. If that host is permanently lost, finish the run with \`guard recover\`.`,
      );
  }
}

/** Says who holds the instance at this moment. */
export async function currentLockHolder(
  instance: string,
  tools: { readonly platform: Platform; readonly inspectHolder: InspectHolder },
): Promise<Outcome> {
  const seen = await tools.platform.getInstance(instance);
  return seen.ok
    ? describeHolder(tools, readMarker(seen.value) ?? readQuiesceMarker(seen.value))
    : refusedBecause(seen.error);
}
