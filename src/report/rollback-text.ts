import { formatDuration } from '../duration.ts';
import type { Changes } from '../event.ts';
import { neutralise, shellWords } from '../text.ts';
import { bounded, formatPackageChange } from './format.ts';
import { formatTime } from '../time.ts';

/** What `guard rollback` is about to do. */
export interface RollbackPreview {
  readonly instance: string;
  readonly run: string;
  /** Of the restore point, and now: milliseconds since 1970. */
  readonly takenAt: number;
  readonly now: number;
  /** The command that the restore point was taken for; empty where it is not known. */
  readonly command: readonly string[];
  /** Runs that are undone besides, newest first. */
  readonly undone: readonly { readonly run: string; readonly command: readonly string[] }[];
  /** From then to now; null where it is not known. */
  readonly changes: Changes | null;
  /** `--redo`: it goes forward again. */
  readonly redo: boolean;
}

/** Where it goes, what is lost, and how it is undone; with `isDryRun` what would be. */
export function rollbackLines(preview: RollbackPreview, isDryRun = false): string[] {
  const { instance, run, takenAt, now, command, undone, changes, redo } = preview;
  const before = command.length === 0 ? '' : `, before: ${neutralise(shellWords(command), 200)}`;
  return [
    `${instance} ${isDryRun ? 'would be' : 'is'} rolled ${redo ? 'forward' : 'back'} to ${formatTime(takenAt)}, ${formatDuration(now - takenAt)} ago (run ${run}${redo ? '' : before}).`,
    `Everything that was written to it since then ${isDryRun ? 'would be' : 'is'} lost: data of its services, files, logs.`,
    ...(undone.length === 0
      ? []
      : [
          `Also undone: ${bounded(
            undone.map((one) => `${one.run} (${neutralise(shellWords(one.command), 80)})`),
            5,
          )}.`,
        ]),
    ...(changes === null ? [] : changedLines(changes)),
    `guard ${isDryRun ? 'would stop, restore and start' : 'stops, restores and starts'} the instance. To undo this: guard rollback ${instance}${redo ? '' : ' --redo'}`,
  ];
}

function changedLines({ packages }: Changes): string[] {
  if (packages.length === 0) return ['No package has changed since then.'];
  const back = packages.map(({ name, from, to }) => formatPackageChange({ name, from: to, to: from }));
  return [`Packages that change: ${neutralise(bounded(back, 10), 2000)}.`];
}
