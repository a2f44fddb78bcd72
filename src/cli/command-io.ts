import { fstatSync } from 'node:fs';
import { sweepYoungOften } from '../heap.ts';
import type { CommandIo, Terminal } from '../run/tools.ts';
import type { Context } from './context.ts';

/**
 * What the command inside reads and writes. A terminal on both sides gives it a real one; otherwise stdin is passed on
 * where it is a file or a pipe. With `--json` stdout belongs to the events, so the command's output goes to stderr.
 */
export function commandIo(context: Context, json: boolean): CommandIo {
  const { stdin, stdout, stderr, foreground = true } = context;
  const begin = sweepYoungOften;
  if (!json && foreground && stdin.isTTY === true && stdout.isTTY === true)
    return { terminal: terminalOf(context), stdin, stdout, stderr, begin };
  return { terminal: null, stdin: isPassedOn(stdin) ? stdin : null, stdout: json ? stderr : stdout, stderr, begin };
}

function terminalOf({ stdin, stdout, environment }: Context): Terminal {
  return {
    kind: environment['TERM'] ?? 'xterm',
    size: () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 }),
    onResize: (listener) => {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
    raw: () => {
      stdin.setRawMode?.(true);
      return () => {
        stdin.setRawMode?.(false);
        // Otherwise the next keys are read by guard, not by the shell after it.
        stdin.pause();
      };
    },
  };
}

function isPassedOn(stdin: Context['stdin']): boolean {
  try {
    const kind = fstatSync(stdin.fd ?? 0);
    return kind.isFile() || kind.isFIFO() || kind.isSocket();
  } catch {
    // Closed, as some schedulers leave it.
    return false;
  }
}
