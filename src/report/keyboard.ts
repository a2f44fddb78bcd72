import type { Readable } from 'node:stream';

/** The part of a terminal's input that is needed to hold keys back. */
export type Keys = Readable & { readonly setRawMode?: (raw: boolean) => unknown };

/** Keeps keys that are typed while guard works from the screen, where they would break the picture, and from the next program. */
export interface Keyboard {
  /** Keys are dropped from now on; Ctrl-C is passed on. */
  readonly hold: () => void;
  /** Somebody else reads the keys now: the command, a question, the shell after guard. */
  readonly release: () => void;
}

const ctrlC = 0x03;

export function createKeyboard(stdin: Keys, onCtrlC: () => void): Keyboard {
  let held = false;
  const drop = (bytes: Buffer | string): void => {
    // In raw mode the terminal makes no signal of it.
    if (Buffer.from(bytes).includes(ctrlC)) onCtrlC();
  };
  return {
    hold: () => {
      if (held) return;
      held = true;
      stdin.setRawMode?.(true);
      stdin.on('data', drop);
      stdin.resume();
    },
    release: () => {
      if (!held) return;
      held = false;
      stdin.off('data', drop);
      stdin.pause();
      stdin.setRawMode?.(false);
    },
  };
}
