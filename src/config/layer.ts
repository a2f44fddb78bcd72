import type { CheckDefinition } from '../check-definition.ts';
import type { LifecycleCommand, LifecycleMoment } from '../lifecycle-command.ts';
import type { PolicyCause } from '../event.ts';
import type { FailurePolicy, PackageHookSettings, Settings } from './settings.ts';

/** Settings that are merged entry by entry. */
type Tables = 'checks' | 'environment' | 'onFailure' | 'hook' | 'hooks';

/**
 * What one place says (the file's defaults, one of its blocks, the flags): any part of the settings. In `checks`,
 * `environment` and `hooks`, null takes away what a less exact place said.
 */
export type Layer = { readonly [K in Exclude<keyof Settings, Tables>]?: Settings[K] | undefined } & {
  readonly checks?: Readonly<Record<string, CheckDefinition | null>> | undefined;
  readonly environment?: Readonly<Record<string, string | null>> | undefined;
  readonly onFailure?: { readonly [K in PolicyCause]?: FailurePolicy | undefined } | undefined;
  readonly hook?: { readonly [K in keyof PackageHookSettings]?: PackageHookSettings[K] | undefined } | undefined;
  readonly hooks?:
    { readonly [Moment in LifecycleMoment]?: readonly LifecycleCommand[] | null | undefined } | undefined;
};

/** Says nothing. */
export const emptyLayer: Layer = {};

/**
 * Joins two layers; `above` wins. Checks are joined by name, variables of the environment by name, `onFailure` by cause,
 * `hook` by setting, `hooks` by moment; an entry replaces the whole entry of the same name. Everything else is replaced.
 * Associative, with `emptyLayer` as the
 * neutral one.
 */
export function mergeLayers(below: Layer, above: Layer): Layer {
  return {
    ...said(below),
    ...said(above),
    ...mergedTable('checks', below.checks, above.checks),
    ...mergedTable('environment', below.environment, above.environment),
    ...mergedTable('onFailure', below.onFailure, above.onFailure),
    ...mergedTable('hook', below.hook, above.hook),
    ...mergedTable('hooks', below.hooks, above.hooks),
  };
}

function mergedTable<K extends Tables>(key: K, below: Layer[K], above: Layer[K]): Pick<Layer, K> | undefined {
  return below === undefined && above === undefined
    ? undefined
    : ({ [key]: { ...said(below ?? {}), ...said(above ?? {}) } } as Pick<Layer, K>);
}

/** An option that was not given must not hide what a file says. */
function said<T extends object>(entries: T): T {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as T;
}
