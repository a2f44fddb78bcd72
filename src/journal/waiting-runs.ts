import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDeadline, type Deadline } from '../deadline.ts';
import type { Result } from '../result.ts';
import { makeDurableFolder, writeAtomically } from './durable.ts';
import { tryFiles } from './file-failure.ts';
import { journalFile } from './record-files.ts';
import { isRunId } from './run-id.ts';
import { readText } from './runs.ts';
import { runDirectory } from './state-directory.ts';

/** Where a waiting run is found although its record cannot be read, and the configuration that it was begun with. */
export interface WaitingNote {
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  /** The guard.yaml of `--config`, absolute; null where it is searched for. */
  readonly config: string | null;
  readonly workingDirectory: string;
  /** Until when the change waits, as far as this host knows; null in a note of an older guard. */
  readonly deadline: Deadline | null;
  /** The server's uuid of the instance; null where the server did not say. */
  readonly uuid: string | null;
  /** The server's `created_at` of the restore point in flight; null in a note of an older guard. */
  readonly createdAt: string | null;
}

/** What tells of a change that waits where its record does not. */
export type NotedWait = Pick<WaitingNote, 'deadline' | 'createdAt'>;

/** The folder that names the runs whose deadline somebody has to keep: a keeper does not read every record for them. */
function folderOf(stateDirectory: string): string {
  return join(stateDirectory, 'waiting');
}

/** Notes, durably, that the run waits for a confirmation. The failure is one sentence. */
export function noteWaiting(stateDirectory: string, run: string, note: WaitingNote): Promise<Result<void, string>> {
  const folder = folderOf(stateDirectory);
  return tryFiles(join(folder, run), async () => {
    await makeDurableFolder(folder);
    await writeAtomically(folder, run, JSON.stringify(note));
  });
}

/** What was noted of a run; null where that cannot be read. */
export function readWaitingNote(stateDirectory: string, run: string): WaitingNote | null {
  try {
    const note: unknown = JSON.parse(readText(join(folderOf(stateDirectory), run)) ?? '');
    return parseNote(note);
  } catch {
    return null;
  }
}

function parseNote(value: unknown): WaitingNote | null {
  if (typeof value !== 'object' || value === null) return null;
  const { instance, project, remote, config, workingDirectory, deadline, uuid, createdAt } = value as Readonly<
    Record<string, unknown>
  >;
  if (typeof instance !== 'string' || typeof project !== 'string' || typeof workingDirectory !== 'string') return null;
  if (!isTextOrNull(remote) || !isTextOrNull(config)) return null;
  return {
    instance,
    project,
    remote,
    config,
    workingDirectory,
    deadline: parseDeadline(deadline),
    uuid: typeof uuid === 'string' ? uuid : null,
    createdAt: typeof createdAt === 'string' ? createdAt : null,
  };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

/** The run does not wait any more. Forgetting it twice does nothing. */
export async function forgetWaiting(stateDirectory: string, run: string): Promise<void> {
  await rm(join(folderOf(stateDirectory), run), { force: true }).catch(() => {});
}

/** The runs that were noted, in the order of their ids; null where the folder cannot be read, so that any run may be noted. */
export function listWaiting(stateDirectory: string): string[] | null {
  try {
    return readdirSync(folderOf(stateDirectory)).filter(isRunId).toSorted();
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? [] : null;
  }
}

/** Whether the run certainly has no record. A record that cannot be read is there. */
export function isRecordMissing(stateDirectory: string, run: string): boolean {
  try {
    return statSync(join(runDirectory(stateDirectory, run), journalFile), { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
