import type { Holder } from '../../event.ts';
import type { LifecycleCommand, LifecycleCommands } from '../../lifecycle-command.ts';
import type { Instance, Platform } from '../../platform/platform.ts';
import { type PlatformFailure, describeFailure } from '../../platform/failure.ts';
import { isRunId } from '../../journal/run-id.ts';
import { err, ok, type Result } from '../../result.ts';
import { neutralise } from '../../text.ts';
import { endProcessesWith } from '../command/leftovers.ts';
import { isHolder, isObject } from './parse-holder.ts';
import { othersLimitMs, retryTransient } from '../../platform/retry.ts';
import { runLifecycleCommands } from '../lifecycle-commands.ts';
import type { RunTools } from '../tools.ts';

/**
 * The key that identifies the run that quiesced the instance for its restore point. It is written before anything is
 * flushed, frozen or stopped, and is replaced by the run marker in one step after the instance was resumed. So no other run
 * gets the instance in between, and any guard that finds it later can resume the instance, with or without a journal. It is part of
 * the snapshot: a restored instance shows by it that it was quiesced when the snapshot was taken.
 */
export const quiesceKey = 'quiesce';

/** The content of the key. */
export interface QuiesceMarker {
  readonly v: 1;
  readonly run: string;
  readonly holder: Holder;
  readonly wasRunning: boolean;
  /** How long it may last, by the limits of the run, in milliseconds. */
  readonly limitMs: number;
  /** The commands in the instance that resume it. Commands for the host are not here: a user who may configure an instance may not run those. */
  readonly resume: readonly Extract<LifecycleCommand, { kind: 'exec' }>[];
  /** There are such commands on the host of the holder as well. */
  readonly alsoOnHost: boolean;
}

/** Reads the key from the configuration of an instance; null if there is none or it cannot be read. */
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

/** Removes the key if it still belongs to that run. Can be repeated. */
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

/** Runs the commands that resume the instance (afterRestorePoint), and repeats them if they fail. The error is a sentence. */
export async function resumeInstance(
  subject: { readonly run: string; readonly instance: string; readonly hooks: LifecycleCommands },
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
): Promise<Result<void, string>> {
  for (let tries = 1; ; tries += 1) {
    const ended = await runLifecycleCommands(subject, tools, 'afterRestorePoint');
    if (ended.ok) {
      // A killed quiesce command may have left a helper process.
      const { beforeRestorePoint, afterRestorePoint = [] } = subject.hooks;
      if ((beforeRestorePoint ?? afterRestorePoint).some(({ kind }) => kind === 'exec'))
        await endProcessesWith(tools, subject.instance, `GUARD_HOOK=${subject.run}/beforeRestorePoint`);
      await tools.recorder.record({ type: 'quiesce-ended' });
      return ended;
    }
    if (tries === resumeTries) return ended;
    await tools.clock.sleep(resumePauseMs);
  }
}

/**
 * The commands that resume an instance with this key: all of this run; of another run those in the instance, and those on this
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
 * Resumes a quiesced instance by its key. The error is a sentence, and the key then stays. `known` is the current run, whose commands on the host are used.
 */
export async function resumeByMarker(
  known: { readonly run: string; readonly instance: string; readonly hooks: LifecycleCommands },
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
): Promise<Result<void, string>> {
  const { instance } = known;
  const seen = await tools.platform.getInstance(instance);
  const quiesceMarker = seen.ok ? readQuiesceMarker(seen.value) : null;
  if (quiesceMarker === null) return ok(undefined);
  const hooks = resumeCommandsOf(quiesceMarker, known);
  if (quiesceMarker.alsoOnHost && !(hooks.afterRestorePoint ?? []).some(({ kind }) => kind === 'host'))
    await tools.recorder.record({
      type: 'notice',
      level: 'warning',
      message: `Run ${quiesceMarker.run} has hooks on host ${neutralise(quiesceMarker.holder.host)} that resume the instance and are not known here. Run them there.`,
    });
  const resumed = await resumeInstance({ run: quiesceMarker.run, instance, hooks }, tools);
  if (!resumed.ok) return resumed;
  const removed = await removeQuiesceMarker(tools.platform, instance, quiesceMarker.run);
  return removed.ok ? removed : err(describeFailure(removed.error));
}
