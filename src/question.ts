import type { Cause, Changes } from './event.ts';

/** What guard asks the person at the terminal. `shell`: whether a shell inside can be offered. */
export type Question =
  /** The change failed, and the policy is to ask. */
  | { readonly kind: 'failed'; readonly cause: Cause; readonly shell: boolean }
  /** The command failed, or was interrupted, and nothing that guard compares has changed. */
  | { readonly kind: 'unchanged'; readonly otherwise: 'keep' | 'rollback'; readonly shell: boolean }
  /** A shell that the person worked in has ended. `differences` are in words. */
  | { readonly kind: 'session'; readonly changes: Changes | null; readonly differences: readonly string[] }
  /** Ctrl-C during the check. */
  | { readonly kind: 'check-interrupted' }
  /** Before something that cannot simply be undone, which has been explained already. */
  | { readonly kind: 'confirm'; readonly text: string };

/** What the person may answer. */
export type Choice =
  | 'keep'
  | 'rollback'
  /** Look around in a shell inside, and be asked again. */
  | 'shell'
  /** Check the instance again. */
  | 'check'
  /** Go on with what was interrupted. */
  | 'continue'
  | 'yes'
  | 'no';

/** The person at the terminal. */
export interface Person {
  /** Null where no answer came in time, the terminal went away, or Ctrl-C or Ctrl-D was pressed. Aborting `signal` closes the question. */
  readonly ask: (question: Question, limitMs: number, signal?: AbortSignal) => Promise<Choice | null>;
}
