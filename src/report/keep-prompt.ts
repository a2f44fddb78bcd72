import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { formatDuration } from '../duration.ts';
import type { Cause } from '../event.ts';

const questions: Readonly<Record<Cause, string>> = {
  command: 'The command failed.',
  unhealthy: 'The instance is not healthy.',
  inconclusive: 'The health of the instance is unknown.',
  timeout: 'The command or its checks ran out of time.',
  interrupted: 'The run was interrupted.',
};

/** Asks the person at the terminal whether to keep a change that failed. `signal` takes the question back. */
export type AskToKeep = (cause: Cause, limitMs: number, signal?: AbortSignal) => Promise<boolean>;

/**
 * Nobody who answers in time, Ctrl-C, Ctrl-D, a terminal that went away, or anything but yes: all mean no. It always comes
 * to an end, because the instance waits for it.
 */
export function createAskToKeep(stdin: Readable, stderr: Writable, clock: Clock): AskToKeep {
  return async (cause, limitMs, signal) => {
    const prompt = createInterface({ input: stdin, output: stderr });
    const over = new AbortController();
    try {
      const answer = await Promise.race([
        answered(
          prompt,
          `guard: ${questions[cause]} Keep the change anyway? guard rolls back in ${formatDuration(limitMs)}. [y/N] `,
        ),
        gone(prompt),
        aborted(signal, over.signal),
        clock.sleep(limitMs, over.signal).then(() => null),
      ]);
      if (answer === null) stderr.write('\n');
      return answer !== null && /^\s*y(es)?\s*$/i.test(answer);
    } finally {
      over.abort();
      prompt.close();
      stdin.pause();
    }
  };
}

function answered(prompt: Interface, question: string): Promise<string> {
  return new Promise((resolve) => {
    prompt.question(question, resolve);
  });
}

function gone(prompt: Interface): Promise<null> {
  return new Promise((resolve) => {
    prompt.once('close', () => resolve(null));
    // Keys come to the prompt and not to the process while it reads them.
    prompt.once('SIGINT', () => resolve(null));
  });
}

function aborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(null);
    signal?.addEventListener('abort', () => resolve(null), { signal: over });
  });
}
