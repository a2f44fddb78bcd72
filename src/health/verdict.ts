import type { Verdict } from '../event.ts';
import type { Baseline } from './baseline.ts';
import type { Look } from './look.ts';

/** Judges what is seen now against the baseline. */
export const judge = (baseline: Baseline, look: Look, options: { readonly restarted?: boolean } = {}): Verdict => {
  void baseline;
  void look;
  void options;
  throw new Error('not written yet');
};

/** Judges an instance by what is seen now alone: before the command, and for `guard check`. */
export const judgeAlone = (look: Look): Verdict => {
  void look;
  throw new Error('not written yet');
};
