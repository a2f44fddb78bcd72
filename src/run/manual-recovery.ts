import type { Commands, InstanceAddress } from '../platform/platform.ts';
import { shellWords } from '../text.ts';
import { markerKey } from './lock/marker.ts';
import { quiesceKey } from './lock/quiesce-marker.ts';

/** The commands that finish a rollback, in order (F6, F43: built from real names, and run by a test). */
export function manualRecoveryCommands(
  commands: Commands,
  what: InstanceAddress & Parameters<Commands['rollBack']>[1],
): string[] {
  return commands.rollBack(what, what);
}

/** The command that finishes an interrupted run on this instance, with or without a record. */
export function recoverCommand({ instance, project, remote }: InstanceAddress): string {
  const name = remote === null ? instance : `${remote}:${instance}`;
  return shellWords(['guard', 'recover', ...(project === 'default' ? [] : ['--project', project]), name]);
}

/** The command that removes the marker of a run: the change then counts as decided. */
export function removeMarkerCommand(commands: Commands, of: InstanceAddress): string {
  return commands.removeMetadata(of, markerKey);
}

/** For an instance that may still be quiesced: guard tries again, or a person has resumed it and says so. */
export function resumeCommands(commands: Commands, of: InstanceAddress): string[] {
  return [recoverCommand(of), commands.removeMetadata(of, quiesceKey)];
}

/** The same as advice. */
export function resumeAdvice(commands: Commands, of: InstanceAddress): string {
  const [again, byHand] = resumeCommands(commands, of);
  return `To try again, run ${again}. If you have resumed it manually, run ${byHand}.`;
}
