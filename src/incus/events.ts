import type { WebSocket } from 'ws';

import { err, ok, type Result } from '../result.ts';
import { getServer } from './server.ts';
import { usualLimitMs, type Incus } from './client.ts';
import { failureOf, type About, type IncusFailure } from './failure.ts';
import { isObject, objectOf, parseJson, textOf } from './json.ts';
import { openWebSocket } from './websocket.ts';

/** One event of the server. */
export interface IncusEvent {
  readonly type: 'lifecycle' | 'operation';
  /** RFC 3339. */
  readonly timestamp: string;
  /** `instance-started`, `instance-restored`, `instance-ready`, … for lifecycle; the operation's status else. */
  readonly action: string;
  /** API path that it is about, e.g. `/1.0/instances/web01`. */
  readonly source: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** An open stream of events. */
export interface EventStream {
  readonly close: () => void;
  /** Resolves when the stream is over: ok after `close`, `connection-lost` when the server went away. */
  readonly ended: Promise<Result<void, IncusFailure>>;
}

/** Follows the server's events of this project from now on. A success means that none is missed any more. */
export async function followEvents(
  incus: Incus,
  types: readonly IncusEvent['type'][],
  onEvent: (event: IncusEvent) => void,
): Promise<Result<EventStream, IncusFailure>> {
  const about = { purpose: 'follow the events of Incus', project: incus.project };
  let closed = false;
  let end: (result: Result<void, IncusFailure>) => void = () => {};
  const ended = new Promise<Result<void, IncusFailure>>((resolve) => (end = resolve));
  function listen(socket: WebSocket): void {
    socket.on('message', (data: Buffer) => {
      const event = eventOf(parseJson(data.toString('utf8')));
      if (event !== null && !closed) onEvent(event);
    });
    socket.once('close', () =>
      end(closed ? ok(undefined) : err(failureOf('connection-lost', about, 'the stream of events ended'))),
    );
  }
  const location = { path: ['events'], query: { type: types.join(',') } };
  const opened = await openWebSocket(incus, location, listen, usualLimitMs);
  if (!opened.ok) return err(await openFailure(incus, about, opened.error));
  const close = (): void => {
    closed = true;
    opened.value.terminate();
  };
  return ok({ close, ended });
}

/** A plain request tells better than a failed WebSocket what is wrong. */
async function openFailure(incus: Incus, about: About, detail: string): Promise<IncusFailure> {
  const server = await getServer(incus);
  return server.ok ? failureOf('server', about, detail) : { ...server.error, purpose: about.purpose };
}

function eventOf(json: unknown): IncusEvent | null {
  if (!isObject(json)) return null;
  const type = json['type'];
  if (type !== 'lifecycle' && type !== 'operation') return null;
  const metadata = objectOf(json['metadata']);
  return {
    type,
    timestamp: textOf(json['timestamp']),
    action: textOf(type === 'lifecycle' ? metadata['action'] : metadata['status']),
    source: type === 'lifecycle' ? textOf(metadata['source']) : `/1.0/operations/${textOf(metadata['id'])}`,
    context: objectOf(type === 'lifecycle' ? metadata['context'] : metadata),
  };
}
