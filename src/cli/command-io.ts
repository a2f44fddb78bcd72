import { fstatSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { CommandIo, Terminal } from '../run/tools.ts';
import type { Context } from './context.ts';

/**
 * What the command inside reads and writes. A terminal on both sides gives it a real one; otherwise stdin is passed on
 * where it is a file or a pipe. With `--json` stdout belongs to the events, so the command's output goes to stderr.
 */
export const commandIo = (context: Context, json: boolean): CommandIo => {
  const { stdin, stdout, stderr } = context;
  const begin = keepYoungSpaceSmall;
  if (!json && stdin.isTTY === true && stdout.isTTY === true)
    return { terminal: terminalOf(context), stdin, stdout, stderr, begin };
  return { terminal: null, stdin: isPassedOn(stdin) ? stdin : null, stdout: json ? stderr : stdout, stderr, begin };
};

/**
 * The buffers of a stream die young. Where young objects are swept often, that costs hardly anything; else V8 counts their
 * bytes until it sweeps the whole heap, again and again: half the time of a gigabyte. Only for as long as there is a stream:
 * V8 takes no compiled code of a process with other flags.
 */
const keepYoungSpaceSmall = (): (() => void) => {
  // A V8 that does not know the flag any more would complain on stderr: only those that were tried are asked.
  const [major = ''] = process.versions.node.split('.');
  if (Number(major) > newestTried) return () => {};
  setFlagsFromString('--semi-space-growth-factor=1');
  const back = (): void => {
    process.off('exit', back);
    setFlagsFromString('--semi-space-growth-factor=2');
  };
  // What the launcher keeps at the end must be of its own flags, whatever the end.
  process.prependOnceListener('exit', back);
  return back;
};

const newestTried = 24;

const terminalOf = ({ stdin, stdout, environment }: Context): Terminal => ({
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
});

const isPassedOn = (stdin: Context['stdin']): boolean => {
  try {
    const kind = fstatSync(stdin.fd ?? 0);
    return kind.isFile() || kind.isFIFO() || kind.isSocket();
  } catch {
    // Closed, as some schedulers leave it.
    return false;
  }
};
