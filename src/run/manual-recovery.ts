import type { RestorePoint } from '../event.ts';
import { shellWords } from '../text.ts';
import { markerKey } from './lock/marker.ts';
import { quiesceKey } from './lock/quiesce-marker.ts';

/** What a person would have to restore by hand, under the names that are really on the server. */
export interface ManualRecovery {
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
export function manualRecoveryCommands(what: ManualRecovery): string[] {
  const name = nameOf(what);
  const project = projectOf(what);
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
}

/** What names the instance, for both commands. */
export type Address = Pick<ManualRecovery, 'instance' | 'project' | 'remote'>;

function nameOf({ instance, remote }: Pick<Address, 'instance' | 'remote'>): string {
  return remote === null ? instance : `${remote}:${instance}`;
}

function projectOf({ project }: Pick<Address, 'project'>): string[] {
  return project === 'default' ? [] : ['--project', project];
}

/** The command that finishes what a run left on this instance, whether or not a record of it is unfinished. */
export function recoverCommand(what: Address): string {
  return shellWords(['guard', 'recover', ...projectOf(what), nameOf(what)]);
}

/** The command that removes a run's mark: the change then counts as decided. */
export function removeMarkerCommand(what: Address): string {
  return shellWords(['incus', 'config', 'unset', nameOf(what), markerKey, ...projectOf(what)]);
}

/** For an instance that may still be held still: guard tries again, or a person has let go and says so. */
export function resumeCommands(what: Address): string[] {
  return [recoverCommand(what), shellWords(['incus', 'config', 'unset', nameOf(what), quiesceKey, ...projectOf(what)])];
}

/** The same as advice. */
export function resumeAdvice(what: Address): string {
  const [again, manualRecovery] = resumeCommands(what);
  return `It is tried again by: ${again}; once you have let go by hand: ${manualRecovery}`;
}
