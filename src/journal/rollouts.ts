import { readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordedRolloutEvent } from '../rollout-event.ts';
import type { Result } from '../result.ts';
import { appendOnly, makeDurableFolder, orClosed, syncFolder } from './durable.ts';
import { tryFiles } from './file-failure.ts';
import { isRunId } from './run-id.ts';
import { readText } from './runs.ts';

/** The durable record of one rollout: one event a line, appended, never rewritten. */
export interface RolloutJournal {
  /** Resolves when the event is on the disk. A failure is one sentence. */
  readonly append: (event: RecordedRolloutEvent) => Promise<Result<void, string>>;
  readonly close: () => Promise<void>;
}

/** Opens a rollout's journal to write it, and makes it where it is missing. */
export async function openRolloutJournal(state: string, rollout: string): Promise<Result<RolloutJournal, string>> {
  const folder = folderOf(state);
  const path = pathOf(state, rollout);
  return tryFiles(path, async () => {
    await makeDurableFolder(folder);
    const file = await open(path, appendOnly, 0o600);
    // A line that a killed guard, or a full disk, left torn must not swallow the next one.
    let isTorn = await orClosed(file, async () => {
      await syncFolder(folder);
      return (await file.stat()).size > 0 && readText(path)?.endsWith('\n') === false;
    });
    let turn: Promise<unknown> = Promise.resolve();
    const append = (event: RecordedRolloutEvent): Promise<Result<void, string>> => {
      const written = turn.then(() =>
        tryFiles(path, async () => {
          const line = `${isTorn ? '\n' : ''}${JSON.stringify(event)}\n`;
          isTorn = true;
          await file.appendFile(line);
          isTorn = false;
          await file.datasync();
        }),
      );
      turn = written;
      return written;
    };
    return { append, close: () => file.close() };
  });
}

/** The events of one rollout; empty where there is no record. Torn lines and those of later versions are passed over. */
export function readRolloutEvents(state: string, rollout: string): RecordedRolloutEvent[] {
  if (!isRunId(rollout)) return [];
  const lines = (readText(pathOf(state, rollout)) ?? '').split('\n');
  return lines.flatMap((line) => {
    try {
      const event: unknown = JSON.parse(line);
      return isEvent(event, rollout) ? [event] : [];
    } catch {
      return [];
    }
  });
}

/** The ids of all recorded rollouts, newest first. */
export function listRolloutIds(state: string): string[] {
  try {
    return readdirSync(folderOf(state))
      .flatMap((name) => (name.endsWith('.jsonl') ? [name.slice(0, -'.jsonl'.length)] : []))
      .filter(isRunId)
      .toSorted()
      .toReversed();
  } catch {
    return [];
  }
}

function folderOf(state: string): string {
  return join(state, 'rollouts');
}

function pathOf(state: string, rollout: string): string {
  return join(folderOf(state), `${rollout}.jsonl`);
}

function isEvent(value: unknown, rollout: string): value is RecordedRolloutEvent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'v' in value &&
    value.v === 1 &&
    'rollout' in value &&
    value.rollout === rollout &&
    'type' in value &&
    typeof value.type === 'string'
  );
}
