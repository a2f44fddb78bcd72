import type { RestorePoint } from '../event.ts';
import { shellWords } from '../text.ts';

/** What a person would have to restore by hand, under the names that are really on the server. */
export interface ByHand {
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  /** Under the names that its snapshots have at this moment. */
  readonly restorePoint: Pick<RestorePoint, 'name' | 'volumes'>;
  /** Whether the instance ran before the run. */
  readonly start: boolean;
  /** Lines that clear away what is in the way of every restore. */
  readonly first?: readonly string[];
}

/** The commands that finish a rollback, in order (F6, F43: built from real names, and run by a test). */
export const byHandCommands = (what: ByHand): string[] => {
  const name = what.remote === null ? what.instance : `${what.remote}:${what.instance}`;
  const project = what.project === 'default' ? [] : ['--project', what.project];
  const commands = [
    ...what.restorePoint.volumes.map(({ pool, volume, snapshot }) => [
      'incus',
      'storage',
      'volume',
      'snapshot',
      'restore',
      what.remote === null ? pool : `${what.remote}:${pool}`,
      volume,
      snapshot,
      ...project,
    ]),
    ['incus', 'snapshot', 'restore', name, what.restorePoint.name, ...project],
  ];
  if (what.start) commands.push(['incus', 'start', name, ...project]);
  const stop = shellWords(['incus', 'stop', '--force', name, ...project]);
  return [stop, ...(what.first ?? []), ...commands.map(shellWords)];
};
