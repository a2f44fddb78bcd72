import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { sayDuration } from '../duration.ts';
import type { Cause } from '../event.ts';

const questions: Readonly<Record<Cause, string>> = {
  command: 'The command failed.',
  unhealthy: 'The instance is not healthy.',
  inconclusive: 'Whether the instance is healthy is not known.',
  timeout: 'The command ran out of time.',
  interrupted: 'The run was interrupted.',
};

/** Asks whether to keep a change that failed. Nobody who answers in time, or anything but yes, means no. */
export const createAskToKeep =
  (stdin: Readable, stderr: Writable) =>
  async (cause: Cause, limitMs: number): Promise<boolean> => {
    const prompt = createInterface({ input: stdin, output: stderr });
    try {
      const question = `guard: ${questions[cause]} Keep the change all the same? It is rolled back in ${sayDuration(limitMs)}. [y/N] `;
      const answer = await prompt.question(question, { signal: AbortSignal.timeout(limitMs) });
      return /^\s*y(es)?\s*$/i.test(answer);
    } catch {
      stderr.write('\n');
      return false;
    } finally {
      prompt.close();
      stdin.pause();
    }
  };
