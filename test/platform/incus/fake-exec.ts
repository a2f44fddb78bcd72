import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';

import { WebSocketServer, type WebSocket } from 'ws';

import { type FakeOperation, startOperation } from './fake-operations.ts';

/** An exec that waits for its sockets: `attach` gives it one. */
export interface FakeExec {
  readonly operation: FakeOperation;
  readonly attach: (request: IncomingMessage, socket: Duplex, head: Buffer, secret: string) => Promise<void>;
  /** Kills the command, as a stop of its instance does. */
  readonly kill: () => void;
  /** Breaks all sockets without a word, as a dying daemon does. */
  readonly breakSockets: () => void;
}

interface How {
  readonly connectLimitMs: number;
  readonly socketDelayMs: number;
  readonly onStart: () => void;
}

const names = ['0', '1', '2', 'control'];

/**
 * Runs the command on this machine, without a terminal: what is wired to the sockets, and how, is what the real server
 * does. The command starts when 0, 1 and 2 are connected, within `connectLimitMs`.
 */
export const startFakeExec = (instance: string, command: readonly string[], how: How): FakeExec => {
  const secrets = Object.fromEntries(names.map((name) => [name, randomBytes(16).toString('hex')]));
  const sockets = new Map<string, WebSocket>();
  const server = new WebSocketServer({ noServer: true });
  let allConnected: () => void = () => {};
  const connected = new Promise<void>((resolve) => (allConnected = resolve));
  let start: (child: ChildProcess) => void = () => {};
  const started = new Promise<ChildProcess>((resolve) => (start = resolve));
  const operation = startOperation(instance, 'Executing command', 'websocket', async (operation) => {
    await within(connected, how.connectLimitMs, 'Timed out waiting for websockets to connect');
    try {
      await run(operation, command, sockets, (child) => {
        start(child);
        how.onStart();
      });
    } finally {
      for (const socket of sockets.values()) socket.close();
    }
  });
  operation.metadata = { fds: secrets, command };
  const attach: FakeExec['attach'] = async (request, socket, head, secret) => {
    const name = names.find((name) => secrets[name] === secret);
    if (how.socketDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, how.socketDelayMs));
    if (name === undefined || operation.failure() !== null) {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    server.handleUpgrade(request, socket, head, (opened) => {
      sockets.set(name, opened);
      if (name === 'control') void listenToControl(opened, started);
      if (['0', '1', '2'].every((needed) => sockets.has(needed))) allConnected();
    });
  };
  const breakSockets = (): void => {
    for (const socket of sockets.values()) socket.terminate();
  };
  const kill = async (): Promise<void> => {
    const child = await started;
    child.kill('SIGKILL');
  };
  return { operation, attach, breakSockets, kill: () => void kill() };
};

const run = async (
  operation: FakeOperation,
  command: readonly string[],
  sockets: ReadonlyMap<string, WebSocket>,
  onStart: (child: ChildProcess) => void,
): Promise<void> => {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: 'pipe' });
  onStart(child);
  passIn(sockets.get('0'), child.stdin);
  const outputs = [passOut(child.stdout, sockets.get('1')), passOut(child.stderr, sockets.get('2'))];
  const status = await ended(child);
  await Promise.all(outputs);
  operation.metadata = { ...operation.metadata, return: status };
  // The real one goes by the status alone, too.
  if (status === 127) throw failed(operation, 127, 'Command not found');
  if (status === 126) throw failed(operation, 126, 'Command not executable');
};

/** The control socket may be connected before or after the command starts. */
const listenToControl = async (socket: WebSocket, started: Promise<ChildProcess>): Promise<void> => {
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('message', (data: Buffer) => void obey(data, started));
  const child = await started;
  await closed;
  child.kill('SIGKILL');
};

const obey = async (data: Buffer, started: Promise<ChildProcess>): Promise<void> => {
  const message = JSON.parse(data.toString()) as { command: string; signal?: number };
  const child = await started;
  if (message.command === 'signal') child.kill(message.signal);
};

const failed = (operation: FakeOperation, status: number, message: string): Error => {
  operation.metadata = { ...operation.metadata, return: status };
  return new Error(message);
};

const ended = (child: ChildProcess): Promise<number> =>
  new Promise((resolve) => {
    child.on('error', (error) => resolve('code' in error && error.code === 'ENOENT' ? 127 : 126));
    child.on('close', (status, signal) => resolve(signal === null ? (status ?? 0) : 128 + signalNumber(signal)));
  });

const signalNumber = (signal: NodeJS.Signals): number =>
  ({ SIGKILL: 9, SIGTERM: 15, SIGINT: 2 })[signal as string] ?? 1;

const passIn = (socket: WebSocket | undefined, sink: Writable): void => {
  sink.on('error', () => {});
  socket?.on('message', (data: Buffer, isBinary) => {
    if (isBinary) sink.write(data);
    else sink.end();
  });
};

const passOut = async (source: Readable, socket: WebSocket | undefined): Promise<void> => {
  for await (const chunk of source as AsyncIterable<Buffer>)
    await new Promise<void>((resolve) => {
      if (socket?.readyState === socket?.OPEN) socket?.send(chunk, { binary: true }, () => resolve());
      else resolve();
    });
  if (socket?.readyState === socket?.OPEN) socket?.send('', { binary: false });
};

const within = async (promise: Promise<void>, ms: number, message: string): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
