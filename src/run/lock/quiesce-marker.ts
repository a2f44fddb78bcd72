import type { Holder } from '../../event.ts';
import type { LifecycleCommand, LifecycleCommands } from '../../lifecycle-command.ts';
import type { Instance, Platform } from '../../platform/platform.ts';
import { type PlatformFailure, describeFailure } from '../../platform/failure.ts';
import { isRunId } from '../../journal/run-id.ts';
import { ok, type Result } from '../../result.ts';
import { neutralise } from '../../text.ts';
import { endProcessesWith } from '../command/leftovers.ts';
import { isHolder, isObject } from './marker.ts';
import { othersLimitMs, retryTransient } from '../../platform/retry.ts';
import { runLifecycleCommands } from '../lifecycle-commands.ts';
import type { RunTools } from '../tools.ts';

/**
 * The key of the instance that says which run holds it still for its restore point. It is written before anything is
 * flushed, frozen or stopped, and gives way to the mark in one step once that is undone: so nobody else gets the
 * instance meanwhile, and whoever finds it later knows what to undo, with a journal or without. It is part of the
 * snapshot: an instance that was put back says by it that it was held still when it was copied.
 */
export const quiesceKey = 'quiesce';

/** What the key tells. */
export interface QuiesceMarker {
  readonly v: 1;
  readonly run: string;
  readonly holder: Holder;
  readonly wasRunning: boolean;
  /** How long it may last by the limits of the run, in milliseconds. */
  readonly limitMs: number;
  /** What lets go inside. Hooks on the host are not here: nobody who may configure an instance may run those. */
  readonly resume: readonly Extract<LifecycleCommand, { kind: 'exec' }>[];
  /** There are such hooks on the holder's host as well. */
  readonly alsoOnHost: boolean;
}

/** Reads the key from an instance's own configuration; null where there is none or it cannot be read. */
export function readQuiesceMarker(instance: Pick<Instance, 'metadata'>): QuiesceMarker | null {
  const text = instance.metadata[quiesceKey];
  if (!text) return null;
  try {
    const quiesceMarker: unknown = JSON.parse(text);
    return isQuiesceMarker(quiesceMarker) ? quiesceMarker : null;
  } catch {
    return null;
  }
}

function isQuiesceMarker(value: unknown): value is QuiesceMarker {
  return (
    isObject(value) &&
    typeof value['run'] === 'string' &&
    isRunId(value['run']) &&
    isHolder(value['holder']) &&
    typeof value['wasRunning'] === 'boolean' &&
    typeof value['limitMs'] === 'number' &&
    typeof value['alsoOnHost'] === 'boolean' &&
    Array.isArray(value['resume']) &&
    value['resume'].every(isInsideHook)
  );
}

function isInsideHook(value: unknown): boolean {
  return (
    isObject(value) &&
    value['kind'] === 'exec' &&
    Array.isArray(value['command']) &&
    value['command'].length > 0 &&
    value['command'].every((word) => typeof word === 'string') &&
    isObject(value['environment']) &&
    Object.values(value['environment']).every((text) => typeof text === 'string') &&
    typeof value['timeoutMs'] === 'number' &&
    typeof value['user'] === 'number' &&
    typeof value['cwd'] === 'string'
  );
}

/** Removes the key if it is still of that run. Removing it twice does nothing. */
export async function removeQuiesceMarker(
  platform: Platform,
  name: string,
  run: string,
): Promise<Result<void, PlatformFailure>> {
  for (;;) {
    const instance = await platform.getInstance(name);
    if (!instance.ok) return instance;
    if (readQuiesceMarker(instance.value)?.run !== run) return ok(undefined);
    const { revision, description } = instance.value;
    const metadata = { [quiesceKey]: '' };
    const written = await retryTransient(platform, othersLimitMs).patchInstance(name, {
      metadata,
      description,
      revision,
    });
    if (written.ok || written.error.kind !== 'changed') return written;
  }
}

const resumeTries = 3;
const resumePauseMs = 1000;

/** Runs what lets go (afterRestorePoint), again where it fails. Null when it is done, else a sentence. */
export async function resumeInstance(
  subject: { readonly run: string; readonly instance: string; readonly hooks: LifecycleCommands },
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
): Promise<string | null> {
  for (let tries = 1; ; tries += 1) {
    const failure = await runLifecycleCommands(subject, tools, 'afterRestorePoint');
    if (failure === null) {
      // What was begun to hold still and was killed half-way may have left a helper behind.
      const { beforeRestorePoint, afterRestorePoint = [] } = subject.hooks;
      if ((beforeRestorePoint ?? afterRestorePoint).some(({ kind }) => kind === 'exec'))
        await endProcessesWith(tools, subject.instance, `GUARD_HOOK=${subject.run}/beforeRestorePoint`);
      await tools.recorder.record({ type: 'quiesce-ended' });
      return null;
    }
    if (tries === resumeTries) return failure;
    await tools.clock.sleep(resumePauseMs);
  }
}

/**
 * The hooks that let go on what a key tells of: this run's own as they are; of another run those inside, and those on this
 * host that are configured now.
 */
export function resumeCommandsOf(
  quiesceMarker: QuiesceMarker,
  known: { readonly run: string; readonly hooks: LifecycleCommands },
): LifecycleCommands {
  return quiesceMarker.run === known.run && known.hooks.afterRestorePoint !== undefined
    ? known.hooks
    : {
        afterRestorePoint: [
          ...quiesceMarker.resume,
          ...(known.hooks.afterRestorePoint ?? []).filter((hook) => hook.kind === 'host'),
        ],
      };
}

/**
 * Lets go on what is held still, as far as the instance's key tells of it. Null when that is done, else a sentence, and
 * the key stays. `known` is the run at hand: its hooks on the host are used.
 */
export async function resumeByMarker(
  known: { readonly run: string; readonly instance: string; readonly hooks: LifecycleCommands },
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
): Promise<string | null> {
  const { instance } = known;
  const seen = await tools.platform.getInstance(instance);
  const quiesceMarker = seen.ok ? readQuiesceMarker(seen.value) : null;
  if (quiesceMarker === null) return null;
  const hooks = resumeCommandsOf(quiesceMarker, known);
  if (quiesceMarker.alsoOnHost && !(hooks.afterRestorePoint ?? []).some(({ kind }) => kind === 'host'))
    await tools.recorder.record({
      type: 'notice',
      level: 'warning',
      message: `Run ${quiesceMarker.run} has hooks on host ${neutralise(quiesceMarker.holder.host)} that resume the instance and are not known here. Run them there.`,
    });
  const failure = await resumeInstance({ run: quiesceMarker.run, instance, hooks }, tools);
  const removed = failure === null ? await removeQuiesceMarker(tools.platform, instance, quiesceMarker.run) : null;
  return failure ?? (removed?.ok === false ? describeFailure(removed.error) : null);
}
