import { join } from 'node:path';

/**
 * Where the records of runs are: GUARD_STATE_DIR if set, else /var/lib/guard for root, else the user's state directory
 * (XDG base directories: $XDG_STATE_HOME/guard, or ~/.local/state/guard).
 */
export const stateDirectory = (environment: Readonly<Record<string, string | undefined>>, uid: number): string => {
  if (environment['GUARD_STATE_DIR']) return environment['GUARD_STATE_DIR'];
  if (uid === 0) return '/var/lib/guard';
  const base = environment['XDG_STATE_HOME'] || join(environment['HOME'] ?? '/', '.local/state');
  return join(base, 'guard');
};

/** The folder of one run's record. */
export const runDirectory = (state: string, run: string): string => join(state, 'runs', run);
