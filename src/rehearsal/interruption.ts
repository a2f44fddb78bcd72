import type { Clock } from '../clock.ts';
import type { Platform, PoolSpace } from '../platform/platform.ts';
import { createInterrupter, type Interruption } from '../run/interruption.ts';
import { formatMiB } from '../run/restore-point/free-space.ts';

/** What ends a rehearsal early: the user, or a pool that becomes full. */
export interface CopyInterruption extends Interruption {
  /** Ends the rehearsal for a reason of guard's own; the first one counts. */
  readonly giveUp: (reason: string) => void;
  /** Why guard gave up; null where it did not, or the user was first. */
  readonly reason: () => string | null;
}

/** Follows the user's interruption, and can be given up for another reason. */
export function linkInterruption(user: Interruption): CopyInterruption {
  const own = createInterrupter();
  let reason: string | null = null;
  const follow = (): void => void own.interrupt(user.by() ?? 'SIGTERM');
  if (user.signal.aborted) follow();
  else user.signal.addEventListener('abort', follow, { once: true });
  return {
    signal: own.signal,
    by: own.by,
    intercept: own.intercept,
    giveUp: (why) => {
      if (own.interrupt('SIGTERM')) reason = why;
    },
    reason: () => reason,
  };
}

const everyMs = 2000;

const mebibyte = 1024 * 1024;

/** The free space in bytes below which a copy has to go: a twentieth of the pool, between 256 MiB and 4 GiB. */
function leastFree({ totalBytes }: PoolSpace): number {
  return Math.min(4096 * mebibyte, Math.max(256 * mebibyte, totalBytes / 20));
}

/** A sentence where the pool is short of space; null otherwise. */
export function shortOfSpace(pool: string, space: PoolSpace): string | null {
  const free = space.totalBytes - space.usedBytes;
  return free >= leastFree(space)
    ? null
    : `Pool "${pool}" has ${formatMiB(free)} of ${formatMiB(space.totalBytes)} free, and ${formatMiB(leastFree(space))} must stay free for the instances that use it.`;
}

/** Looks at the pools of the copy until it is stopped: before one is short the copy goes, never the instance. */
export function watchPools(
  tools: { readonly platform: Platform; readonly clock: Clock },
  pools: readonly string[],
  interruption: CopyInterruption,
): () => void {
  const stops = pools.map((pool) => watchPool(tools, pool, interruption));
  return () => {
    for (const stop of stops) stop();
  };
}

function watchPool(
  { platform, clock }: { readonly platform: Platform; readonly clock: Clock },
  pool: string,
  interruption: CopyInterruption,
): () => void {
  let over = false;
  let callOff = (): void => {};
  const look = async (): Promise<void> => {
    const space = await platform.getPoolSpace(pool);
    if (over) return;
    const short = space.ok ? shortOfSpace(pool, space.value) : null;
    if (short !== null) interruption.giveUp(short);
    else callOff = clock.after(everyMs, () => void look());
  };
  void look();
  return () => {
    over = true;
    callOff();
  };
}
