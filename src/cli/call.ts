import type { Command } from 'commander';
import type { Context } from './context.ts';

/** A command's file gives this: it adds itself to the program, and its action resolves to the exit status. */
export type Define = (program: Command, call: Call) => void;

/** One call of guard. */
export interface Call {
  readonly context: Context;
  /** What stands before `--`. */
  readonly own: readonly string[];
  /** What stands behind `--`; null without it. */
  readonly words: readonly string[] | null;
  /** Tells the exit status of the command that was chosen. */
  readonly exit: (status: number) => void;
}
