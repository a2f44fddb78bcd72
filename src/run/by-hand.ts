import { shellWords } from '../text.ts';

/** What a person would have to restore by hand, under the names that are really on the server. */
export interface ByHand {
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  /** The snapshot's name at this moment. */
  readonly snapshot: string;
  /** Whether the instance ran before the run. */
  readonly start: boolean;
}

/** The `incus` commands that finish a rollback, in order (F6, F43: built from real names, and run by a test). */
export const byHandCommands = (what: ByHand): string[] => {
  const name = what.remote === null ? what.instance : `${what.remote}:${what.instance}`;
  const project = what.project === 'default' ? [] : ['--project', what.project];
  const commands = [
    ['incus', 'stop', '--force', name, ...project],
    ['incus', 'snapshot', 'restore', name, what.snapshot, ...project],
  ];
  if (what.start) commands.push(['incus', 'start', name, ...project]);
  return commands.map(shellWords);
};
