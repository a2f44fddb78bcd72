import { spawn } from '@lydell/node-pty';
import { waitFor } from '../host/host.ts';

/** A real terminal with one program in it, as its user sees it. */
export interface PseudoTerminal {
  readonly pid: number;
  /** Everything that was shown since the start. */
  readonly seen: () => string;
  /** Waits until the text, or a match of the expression, was shown. */
  readonly shows: (what: string | RegExp) => Promise<void>;
  readonly type: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  /** Takes the terminal away from its program, as a window that is closed or a line that breaks. */
  readonly hangUp: () => void;
  /** The exit status of the program. */
  readonly ended: Promise<number>;
}

/** Starts the program in a terminal of its own, of 100 columns and 30 rows. */
export const openTerminal = (
  program: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): PseudoTerminal => {
  const pty = spawn(program, [...words], {
    name: 'xterm-256color',
    cols: 100,
    rows: 30,
    env: { ...process.env, ...environment },
  });
  let text = '';
  pty.onData((data) => (text += data));
  const ended = new Promise<number>((resolve) => {
    pty.onExit(({ exitCode }) => resolve(exitCode));
  });
  return {
    pid: pty.pid,
    seen: () => text,
    shows: async (what) => {
      try {
        await waitFor(() => (typeof what === 'string' ? text.includes(what) : what.test(text)));
      } catch {
        throw new Error(`Not shown: ${String(what)}. Shown: ${text}`);
      }
    },
    type: (keys) => pty.write(keys),
    resize: (columns, rows) => pty.resize(columns, rows),
    // Not in the types: it closes the terminal's own side, and the kernel tells the program.
    hangUp: () => (pty as unknown as { destroy: () => void }).destroy(),
    ended,
  };
};
