import type { Outcome } from '../../event.ts';
import { shellWords } from '../../text.ts';
import type { Incus } from '../../incus/client.ts';
import { getInstance } from '../../incus/instance.ts';
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
      'Another run is beginning or ending on this instance.',
      'Try again in a moment, or let guard wait for it with --wait-lock 5m; if it stays so, an interrupted run was left: `guard recover` finishes it.',
    );
  const who = `run ${marker.run} (host ${marker.holder.host}, pid ${marker.holder.pid})`;
  switch (tools.inspectHolder(marker.holder)) {
    case 'dead':
      return refused(
        `An interrupted run was left on this instance: ${who} has ended without finishing.`,
        `Finish it first: ${shellWords(['guard', 'recover'])}`,
      );
    case 'alive':
      return busy(`Another run holds this instance: ${who}.`, 'Wait for it with --wait-lock 5m, or try again later.');
    case 'elsewhere':
      return busy(
        `Another run holds this instance: ${who}.`,
        `Wait for it with --wait-lock 5m; if that host is gone for good, \`guard recover\` finishes the run.`,
      );
  }
}

/** Says who holds the instance at this moment. */
export async function currentLockHolder(
  instance: string,
  tools: { readonly incus: Incus; readonly inspectHolder: InspectHolder },
): Promise<Outcome> {
  const seen = await getInstance(tools.incus, instance);
  return seen.ok
    ? describeHolder(tools, readMarker(seen.value) ?? readQuiesceMarker(seen.value))
    : refusedBecause(seen.error);
}
