import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { remainingMs, type ClockReading, type Deadline } from '../deadline.ts';
import { formatDuration } from '../duration.ts';
import type { ConfirmationAnswer } from '../run/tools.ts';

/** How often the time left is written again, in milliseconds. */
const countdownMs = 1000;

/**
 * Asks the person at the terminal to confirm or refuse a change, with the time left. Any other word asks again. Ctrl-C,
 * Ctrl-D and a terminal that goes away leave the change waiting.
 */
export async function askToConfirm(
  terminal: { readonly stdin: Readable; readonly stderr: Writable & { readonly isTTY?: boolean } },
  tools: { readonly clock: Clock; readonly readClocks: () => ClockReading },
  deadline: () => Deadline,
  over: AbortSignal,
): Promise<ConfirmationAnswer> {
  const { stdin, stderr } = terminal;
  const prompt = createInterface({ input: stdin, output: stderr });
  const ended = new AbortController();
  const stop = (): void => ended.abort();
  over.addEventListener('abort', stop, { once: true });
  const left = (): string =>
    formatDuration(Math.max(0, Math.round(remainingMs(deadline(), tools.readClocks()) / 1000) * 1000));
  const question = (): string =>
    `guard: Keep it? yes / no (roll back now) / later (leave it waiting) [${left()} left] `;
  void (async () => {
    while (!ended.signal.aborted) {
      await tools.clock.sleep(countdownMs, ended.signal);
      if (ended.signal.aborted || prompt.line !== '') continue;
      prompt.setPrompt(question());
      prompt.prompt(true);
    }
  })();
  try {
    return await new Promise<ConfirmationAnswer>((resolve) => {
      prompt.setPrompt(question());
      prompt.prompt();
      prompt.on('line', (line) => {
        const answer = answerOf(line);
        if (answer === null) prompt.prompt();
        else resolve(answer);
      });
      prompt.once('close', () => resolve('leave'));
      prompt.once('SIGINT', () => resolve('leave'));
      ended.signal.addEventListener('abort', () => resolve('leave'), { once: true });
    });
  } finally {
    ended.abort();
    over.removeEventListener('abort', stop);
    prompt.close();
    stdin.pause();
    stderr.write('\n');
  }
}

function answerOf(line: string): ConfirmationAnswer | null {
  switch (line.trim().toLowerCase()) {
    case 'y':
    case 'yes':
    case 'confirm':
    case 'keep':
      return 'confirm';
    case 'n':
    case 'no':
    case 'rollback':
      return 'refuse';
    case 'l':
    case 'later':
    case 'leave':
      return 'leave';
    default:
      return null;
  }
}
