import type { Socket as Connection } from 'node:net';
import type { Clock } from '../../clock.ts';
import { withinLimit } from '../checks/limit.ts';

/** `refused`: somebody is there and says no. `unreachable`: nothing can be said of it from here. */
export type Opened = 'open' | 'refused' | 'unreachable';

/** Waits until a connection that was begun is there. */
export async function openConnection(
  connection: Connection,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const opened = new Promise<Opened>((resolve) => {
    connection.on('connect', () => resolve('open'));
    connection.on('error', (error: NodeJS.ErrnoException) =>
      resolve(refusals.has(error.code ?? '') ? 'refused' : 'unreachable'),
    );
  });
  const end = await withinLimit(clock, connectMs, signal, () => opened);
  return end.end === 'done' ? end.value : 'unreachable';
}

/** A first packet that was lost is sent again after a second. Milliseconds. */
const connectMs = 1500;

const refusals = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EPROTO']);
