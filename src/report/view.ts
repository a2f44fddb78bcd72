import type { Writable } from 'node:stream';
import type { Cause, Listener } from '../event.ts';
import { createJsonView } from './ndjson.ts';
import { createPlainView } from './plain.ts';

/** Shows one run's events. */
export interface View {
  readonly listener: Listener;
  /** Null where nobody can be asked. */
  readonly askToKeep: ((cause: Cause, limitMs: number) => Promise<boolean>) | null;
  /** Resolves when the last word is written. */
  readonly close: () => Promise<void>;
}

/** The view that fits the situation. */
export const createView = (situation: {
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Whether the command writes to the same terminal. */
  readonly commandHasTerminal: boolean;
}): View => {
  const plain = createPlainView(situation.stderr, situation.quiet);
  const json = situation.json ? createJsonView(situation.stdout) : null;
  return {
    listener: json ?? plain,
    askToKeep: null,
    close: async () => {},
  };
};
