import { Agent } from 'node:http';

import type { Clock } from '../clock.ts';

/** A request as an observer sees it, just before it is sent. */
export interface RequestSeen {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query as sent, e.g. `/1.0/instances/web01?project=default`. */
  readonly path: string;
  /** The JSON that is sent, if any. */
  readonly body?: unknown;
}

/** A daemon's unix socket and the project to work in. Make it with `openIncus`, give it back with `closeIncus`. */
export interface Incus {
  readonly socket: string;
  readonly project: string;
  readonly clock: Clock;
  readonly agent: Agent;
  readonly onRequest: (request: RequestSeen) => void;
}

/** How long a request may take. */
export interface Limit {
  /** Milliseconds. When they are over the end is `timed-out`: unknown, not failed. */
  readonly limitMs: number;
}

/** Opens nothing yet: the first request connects. `onRequest` sees every request, WebSockets too, before it is sent. */
export const openIncus = (options: {
  readonly socket: string;
  readonly project: string;
  readonly clock: Clock;
  readonly onRequest?: (request: RequestSeen) => void;
}): Incus => ({
  socket: options.socket,
  project: options.project,
  clock: options.clock,
  agent: new Agent({ keepAlive: true }),
  onRequest: options.onRequest ?? (() => {}),
});

/** Closes idle connections. Requests under way end on their own. */
export const closeIncus = (incus: Incus): void => incus.agent.destroy();
