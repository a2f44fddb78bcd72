import type { WebSocket } from 'ws';

import type { Incus } from '../http/client.ts';
import { passOutput, type Output } from './output.ts';
import type { AcceptedExec } from './request.ts';
import type { ExecStreams } from '../../platform.ts';
import { openWebSocket } from '../http/websocket.ts';

/** All sockets of a command. */
export interface Connection {
  /** The socket that takes the command's input. */
  readonly input: WebSocket;
  readonly outputs: readonly Output[];
  /** Sends a control message, at once or as soon as the control socket is open. */
  readonly control: (message: Readonly<Record<string, unknown>>) => void;
  /** Ends all sockets at once. */
  readonly close: () => void;
}

/**
 * Opens all sockets of a command at the same time (the server waits five seconds for them and then starts the command).
 * Null when one that the command needs could not be opened. Output is passed on from the first byte.
 */
export async function connectExec(
  incus: Incus,
  accepted: AcceptedExec,
  streams: ExecStreams,
): Promise<Connection | null> {
  const sockets: WebSocket[] = [];
  const outputs: Output[] = [];
  const open = (name: string, onOpen: (socket: WebSocket) => void): Promise<WebSocket | null> =>
    openOne(incus, accepted, name, (socket) => {
      sockets.push(socket);
      onOpen(socket);
    });
  function close(): void {
    for (const socket of sockets) socket.terminate();
  }
  const control = controlQueue();
  const opened = accepted.terminal
    ? [open('0', (socket) => outputs.push(passOutput(socket, streams.stdout, () => socket.close())))]
    : [
        open('0', () => {}),
        open('1', (socket) => outputs.push(passOutput(socket, streams.stdout, () => {}))),
        open('2', (socket) => outputs.push(passOutput(socket, streams.stderr, () => {}))),
      ];
  // The server starts the command without this one; where the command ends first, it cannot be opened any more.
  const controlled = open('control', control.opened);
  const [input, ...others] = await Promise.all(opened);
  await controlled;
  if (!input || others.includes(null)) {
    close();
    return null;
  }
  return { input, outputs, control: control.send, close };
}

async function openOne(
  incus: Incus,
  accepted: AcceptedExec,
  name: string,
  onOpen: (socket: WebSocket) => void,
): Promise<WebSocket | null> {
  const query = { secret: accepted.secrets[name] ?? '' };
  const location = { path: ['operations', accepted.operation, 'websocket'], query };
  const socket = await openWebSocket(incus, location, onOpen, openLimitMs);
  return socket.ok ? socket.value : null;
}

/** Newer servers wait ten seconds. */
const openLimitMs = 10_000;

function controlQueue() {
  const early: string[] = [];
  let socket: WebSocket | null = null;
  function pass(text: string): void {
    if (socket === null) early.push(text);
    else if (socket.readyState === socket.OPEN) socket.send(text, { binary: false });
  }
  return {
    send: (message: Readonly<Record<string, unknown>>): void => pass(JSON.stringify(message)),
    opened: (opened: WebSocket): void => {
      socket = opened;
      for (const text of early.splice(0)) pass(text);
    },
  };
}
