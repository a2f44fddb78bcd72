import type { WebSocket } from 'ws';

import { err, ok, type Result } from '../../../result.ts';
import { getServer } from './server.ts';
import { call, usualLimitMs, type Incus } from './client.ts';
import { failureOf, type About } from './failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import { objectOf, parseJson, textOf } from './json.ts';
import type { EventStream, InstanceEvent } from '../../platform.ts';
import { openWebSocket } from './websocket.ts';

/** What can change whether, or how, an instance is reached. */
const changes =
  /^instance-(created|deleted|renamed|started|stopped|shutdown|restarted|restored|updated|paused|resumed|ready)$/;

/** Follows the instances of this project from now on. A success means that none is missed any more. */
export async function followInstances(
  incus: Incus,
  onEvent: (event: InstanceEvent) => void,
): Promise<Result<EventStream, PlatformFailure>> {
  const about = { purpose: 'follow the events of the server', project: incus.project };
  let closed = false;
  let end: (result: Result<void, PlatformFailure>) => void = () => {};
  const ended = new Promise<Result<void, PlatformFailure>>((resolve) => (end = resolve));
  function listen(socket: WebSocket): void {
    socket.on('message', (data: Buffer) => {
      const event = eventOf(parseJson(data.toString('utf8')));
      if (event !== null && !closed) onEvent(event);
    });
    socket.once('close', () =>
      end(closed ? ok(undefined) : err(failureOf('connection-lost', about, 'the stream of events ended'))),
    );
  }
  const location = { path: ['events'], query: { type: 'lifecycle' } };
  const opened = await openWebSocket(incus, location, listen, usualLimitMs);
  if (!opened.ok) return err(await openFailure(incus, about, opened.error));
  const close = (): void => {
    closed = true;
    opened.value.terminate();
  };
  return ok({ close, ended, isComplete: () => answersPing(incus, opened.value) });
}

/** The server answers a ping behind all events that it has sent. A connection that breaks without a word answers none. */
function answersPing(incus: Incus, socket: WebSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const onPong = (): void => finish(true);
    const onClose = (): void => finish(false);
    const callOffLimit = incus.clock.after(usualLimitMs, onClose);
    function finish(answered: boolean): void {
      callOffLimit();
      socket.off('pong', onPong);
      socket.off('close', onClose);
      resolve(answered);
    }
    socket.on('pong', onPong);
    socket.on('close', onClose);
    if (socket.readyState === socket.OPEN) socket.ping();
    else onClose();
  });
}

/** A plain request tells better than a failed WebSocket what is wrong. */
async function openFailure(incus: Incus, about: About, detail: string): Promise<PlatformFailure> {
  const server = await getServer(incus);
  if (!server.ok) return { ...server.error, purpose: about.purpose };
  const { purpose } = about;
  const project = await call(incus, { method: 'GET', path: ['projects', incus.project], purpose });
  return !project.ok && project.error.kind === 'not-found' ? project.error : failureOf('server', about, detail);
}

function eventOf(json: unknown): InstanceEvent | null {
  const event = objectOf(json);
  const metadata = objectOf(event['metadata']);
  const action = textOf(metadata['action']);
  if (event['type'] !== 'lifecycle' || !changes.test(action)) return null;
  const instance = /^\/1\.0\/instances\/([^/?]+)/.exec(textOf(metadata['source']))?.[1];
  return instance === undefined ? null : { instance, isRestore: action === 'instance-restored' };
}
