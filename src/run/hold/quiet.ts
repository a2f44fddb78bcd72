import type { Holder } from '../../event.ts';
import type { Hook, Hooks } from '../../hook-definition.ts';
import type { Incus } from '../../incus/client.ts';
import { sayFailure, type IncusFailure } from '../../incus/failure.ts';
import { getInstance, type Instance } from '../../incus/instance.ts';
import { isRunId } from '../../journal/run-id.ts';
import { ok, type Result } from '../../result.ts';
import { neutralise } from '../../text.ts';
import { endProcessesWith } from '../command/leftovers.ts';
import { isHolder, isObject } from './mark.ts';
import { patchAmongOthers } from '../persistence.ts';
import { runHooks } from '../hooks.ts';
import type { RunTools } from '../tools.ts';

/**
 * The key of the instance that says which run holds it still for its restore point. It is written before anything is
 * flushed, frozen or stopped, and gives way to the mark in one step once that is undone: so nobody else gets the
 * instance meanwhile, and whoever finds it later knows what to undo, with a journal or without. It is part of the
 * snapshot: an instance that was put back says by it that it was held still when it was copied.
 */
export const quietKey = 'user.guard.quiet';

/** What the key tells. */
export interface Quiet {
  readonly v: 1;
  readonly run: string;
  readonly holder: Holder;
  readonly wasRunning: boolean;
  /** How long it may last by the limits of the run, in milliseconds. */
  readonly limitMs: number;
  /** What lets go inside. Hooks on the host are not here: nobody who may configure an instance may run those. */
  readonly letGo: readonly Extract<Hook, { kind: 'exec' }>[];
  /** There are such hooks on the holder's host as well. */
  readonly alsoOnHost: boolean;
}

/** Reads the key from an instance's own configuration; null where there is none or it cannot be read. */
export function quietOf(instance: Pick<Instance, 'config'>): Quiet | null {
  const text = instance.config[quietKey];
  if (!text) return null;
  try {
    const quiet: unknown = JSON.parse(text);
    return isQuiet(quiet) ? quiet : null;
  } catch {
    return null;
  }
}

function isQuiet(value: unknown): value is Quiet {
  return (
    isObject(value) &&
    typeof value['run'] === 'string' &&
    isRunId(value['run']) &&
    isHolder(value['holder']) &&
    typeof value['wasRunning'] === 'boolean' &&
    typeof value['limitMs'] === 'number' &&
    typeof value['alsoOnHost'] === 'boolean' &&
    Array.isArray(value['letGo']) &&
    value['letGo'].every(isInsideHook)
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
export async function removeQuiet(incus: Incus, name: string, run: string): Promise<Result<void, IncusFailure>> {
  for (;;) {
    const instance = await getInstance(incus, name);
    if (!instance.ok) return instance;
    if (quietOf(instance.value)?.run !== run) return ok(undefined);
    const { etag, description } = instance.value;
    const config = { [quietKey]: '' };
    const written = await patchAmongOthers(incus, name, { config, description, etag });
    if (written.ok || written.error.kind !== 'changed') return written;
  }
}

const letGoTries = 3;
const letGoPauseMs = 1000;

/** Runs what lets go (afterRestorePoint), again where it fails. Null when it is done, else a sentence. */
export async function letGo(
  subject: { readonly run: string; readonly instance: string; readonly hooks: Hooks },
  tools: Pick<RunTools, 'incus' | 'clock' | 'recorder'>,
): Promise<string | null> {
  for (let tries = 1; ; tries += 1) {
    const failure = await runHooks(subject, tools, 'afterRestorePoint');
    if (failure === null) {
      // What was begun to hold still and was killed half-way may have left a helper behind.
      const { beforeRestorePoint, afterRestorePoint = [] } = subject.hooks;
      if ((beforeRestorePoint ?? afterRestorePoint).some(({ kind }) => kind === 'exec'))
        await endProcessesWith(tools, subject.instance, `GUARD_HOOK=${subject.run}/beforeRestorePoint`);
      await tools.recorder.record({ type: 'quiet-ended' });
      return null;
    }
    if (tries === letGoTries) return failure;
    await tools.clock.sleep(letGoPauseMs);
  }
}

/**
 * The hooks that let go on what a key tells of: this run's own as they are; of another run those inside, and those on this
 * host that are configured now.
 */
export function hooksOfQuiet(quiet: Quiet, known: { readonly run: string; readonly hooks: Hooks }): Hooks {
  return quiet.run === known.run && known.hooks.afterRestorePoint !== undefined
    ? known.hooks
    : {
        afterRestorePoint: [
          ...quiet.letGo,
          ...(known.hooks.afterRestorePoint ?? []).filter((hook) => hook.kind === 'host'),
        ],
      };
}

/**
 * Lets go on what is held still, as far as the instance's key tells of it. Null when that is done, else a sentence, and
 * the key stays. `known` is the run at hand: its hooks on the host are used.
 */
export async function letGoByKey(
  known: { readonly run: string; readonly instance: string; readonly hooks: Hooks },
  tools: Pick<RunTools, 'incus' | 'clock' | 'recorder'>,
): Promise<string | null> {
  const { instance } = known;
  const seen = await getInstance(tools.incus, instance);
  const quiet = seen.ok ? quietOf(seen.value) : null;
  if (quiet === null) return null;
  const hooks = hooksOfQuiet(quiet, known);
  if (quiet.alsoOnHost && !(hooks.afterRestorePoint ?? []).some(({ kind }) => kind === 'host'))
    await tools.recorder.record({
      type: 'notice',
      level: 'warning',
      says: `Run ${quiet.run} has hooks on host ${neutralise(quiet.holder.host)} that let go, which are not known here: run them there.`,
    });
  const failure = await letGo({ run: quiet.run, instance, hooks }, tools);
  const removed = failure === null ? await removeQuiet(tools.incus, instance, quiet.run) : null;
  return failure ?? (removed?.ok === false ? sayFailure(removed.error) : null);
}
