import { advisory, mapOf, required, type FactFinding } from './compare-finding.ts';
import { nameOf } from './compare-sockets.ts';
import type { Facts } from './facts.ts';

/** Web servers that still listen, and answered before, and now answer with nothing but errors, or nothing at all. */
export const compareAnswers = (before: Facts, after: Facts): FactFinding[] => {
  if (before.answers === null || after.answers === null) return [];
  const now = mapOf(after.answers);
  return [...mapOf(before.answers)].flatMap(([port, { status: was }]) => {
    const is = now.get(port)?.status;
    // A port that is no longer there is told by the comparison of sockets.
    if (was === null || was >= 500 || is === undefined || is === was) return [];
    const holder = after.sockets?.find(({ protocol, port: number }) => `${protocol}/${number}` === port);
    const who = nameOf(holder?.owner ?? null) || `the server at ${port}`;
    const says = `${who} answered http at ${port} with ${was}, now ${is === null ? 'it does not answer' : `with ${is}`}`;
    if (is === null || is >= 500) return [required(`answer:${port}`, says, true)];
    if (was < 400 && (is === 403 || is === 404)) return [required(`answer:${port}`, says, true)];
    return was < 400 && is >= 400 ? [advisory(`answer:${port}`, says)] : [];
  });
};
