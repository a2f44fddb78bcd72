import { open, rm, type FileHandle } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { orClosed } from '../journal/durable.ts';
import { tryFiles } from '../journal/file-failure.ts';
import type { Result } from '../result.ts';

/** How long an agent may take to answer, in milliseconds. One that is stopped or hangs never does. */
const answerMs = 3000;

const socketFile = 'agent.sock';
const answer = 'keeps deadlines\n';

/**
 * Answers on `agent.sock` in the state directory for as long as `isKeeping` says that the agent keeps deadlines. The kernel accepts
 * connections for a process that is stopped or hangs, so only the answer proves anything. The failure is one sentence.
 */
export function answerOnSocket(
  stateDirectory: string,
  isKeeping: () => boolean,
): Promise<Result<{ readonly close: () => Promise<void> }, string>> {
  return tryFiles(join(stateDirectory, socketFile), async () => {
    const folder = await open(stateDirectory);
    const path = pathBelow(folder);
    const server = createServer((connection) => {
      connection.on('error', () => {});
      connection.end(isKeeping() ? answer : '');
    });
    await orClosed(folder, async () => {
      // The agent is the only one of its state directory, so this was left by one that was killed.
      await rm(path, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, resolve);
      });
    });
    server.unref();
    return {
      close: async () => {
        await new Promise<void>((resolve) => server.close(() => resolve()));
        await folder.close();
      },
    };
  });
}

/** Whether an agent answers, within a bound, that it keeps deadlines. */
export async function isAgentKeeping(stateDirectory: string, clock: Pick<Clock, 'after'>): Promise<boolean> {
  const folder = await open(stateDirectory).catch(() => null);
  if (folder === null) return false;
  try {
    return await new Promise<boolean>((resolve) => {
      let text = '';
      const connection = connect(pathBelow(folder));
      const cancel = clock.after(answerMs, () => end(false));
      function end(isKeeping: boolean): void {
        cancel();
        connection.destroy();
        resolve(isKeeping);
      }
      connection.setEncoding('utf8');
      connection.on('data', (chunk: string) => {
        text += chunk;
        if (text.length >= answer.length) end(text === answer);
      });
      connection.once('error', () => end(false));
      connection.once('end', () => end(text === answer));
    });
  } finally {
    await folder.close();
  }
}

/** A path of a socket may have 107 characters only, and that of a state directory may have more. */
function pathBelow(folder: FileHandle): string {
  return `/proc/self/fd/${folder.fd}/${socketFile}`;
}
