import { longestTimerMs } from '../../clock.ts';
import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import type { CommandEnd } from '../../event.ts';
import type { Platform } from '../../platform/platform.ts';
import { type PlatformFailure, describeFailure } from '../../platform/failure.ts';
import { ok, type Result } from '../../result.ts';
import type { Plan } from '../plan.ts';
import { entriesOf, folderOf, type PushEntry } from './source.ts';
import type { PushPlan } from '../plan.ts';
import { pushFailed } from './format.ts';
import type { RunTools } from '../tools.ts';

/** Pushes each file with a request, for instances without GNU tar. Null on success. */
export async function pushOneByOne(plan: Plan, tools: RunTools, push: PushPlan): Promise<CommandEnd | null> {
  const { clock, interruption } = tools;
  const { commandMs } = plan.limits;
  const until = commandMs === null ? null : clock.monotonic() + commandMs;
  try {
    const ready = await makeFolders(tools.platform, plan.instance, folderOf(push));
    if (!ready.ok) return pushFailed(push, describeFailure(ready.error));
    for await (const entry of entriesOf(push)) {
      const signal = interruption.by();
      if (signal !== null) return { kind: 'interrupted', signal };
      const leftMs = until === null ? longestTimerMs : until - clock.monotonic();
      if (leftMs <= 0 && commandMs !== null) return { kind: 'timeout', limitMs: commandMs };
      const done = await pushEntry(plan, tools, push, entry, leftMs);
      const cut = interruption.by();
      if (!done.ok)
        return cut === null ? pushFailed(push, describeFailure(done.error)) : { kind: 'interrupted', signal: cut };
    }
  } catch (error) {
    // The error of the file system for a file that existed a moment ago.
    return pushFailed(push, error instanceof Error ? error.message : String(error));
  }
  return null;
}

/** For requests that are fast. */
const quickMs = 30_000;

async function makeFolders(
  platform: Platform,
  instance: string,
  folder: string,
): Promise<Result<void, PlatformFailure>> {
  if (folder === '/') return ok(undefined);
  const parent = await makeFolders(platform, instance, posix.dirname(folder));
  return parent.ok
    ? platform.makeDirectory(instance, folder, { user: 0, group: 0, mode: 0o755, limitMs: quickMs })
    : parent;
}

function pushEntry(
  { instance }: Plan,
  { platform, interruption }: RunTools,
  push: PushPlan,
  entry: PushEntry,
  leftMs: number,
): Promise<Result<void, PlatformFailure>> {
  const how = { user: push.user, group: push.group, mode: entry.mode };
  switch (entry.kind) {
    case 'folder':
      return entry.inside === '/'
        ? Promise.resolve(ok(undefined))
        : platform.makeDirectory(instance, entry.inside, { ...how, limitMs: quickMs });
    case 'link':
      return replaceLink(instance, platform, entry, { ...how, limitMs: quickMs });
    case 'file': {
      const content =
        entry.bytes === 0
          ? Readable.from([])
          : createReadStream(entry.local, { end: entry.bytes - 1, signal: interruption.signal });
      return platform.pushFile(instance, entry.inside, content, { ...how, limitMs: leftMs });
    }
  }
}

/** A file at the destination is removed first. A folder that is not empty is reported as an obstacle. */
async function replaceLink(
  instance: string,
  platform: Platform,
  entry: Extract<PushEntry, { kind: 'link' }>,
  how: { readonly user: number; readonly group: number; readonly mode: number; readonly limitMs: number },
): Promise<Result<void, PlatformFailure>> {
  await platform.deleteFile(instance, entry.inside, { limitMs: quickMs });
  return platform.makeLink(instance, entry.inside, entry.target, how);
}
