import type { Outcome } from '../event.ts';

/** A mistake in the command line: one sentence, and what to do. */
export class UsageMistake extends Error {
  readonly advice: string;

  constructor(message: string, advice: string) {
    super(message);
    this.name = 'UsageMistake';
    this.advice = advice;
  }
}

/** The outcome of a wrong command line. */
export function usage(mistake: UsageMistake): Outcome {
  return {
    outcome: 'usage',
    refusal: { message: mistake.message, advice: mistake.advice },
  };
}

/** An argument vector, cut at the first `--`: what stands behind it belongs to the command and is never looked at. */
export interface SplitArguments {
  readonly own: readonly string[];
  /** Null without a `--`. */
  readonly command: readonly string[] | null;
}

/** Cuts the argument vector. */
export function splitArguments(argv: readonly string[]): SplitArguments {
  const at = argv.indexOf('--');
  return at === -1 ? { own: argv, command: null } : { own: argv.slice(0, at), command: argv.slice(at + 1) };
}
