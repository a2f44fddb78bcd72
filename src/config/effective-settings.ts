import { nameChecks, type CheckWithoutName } from '../check-default.ts';
import type { Configuration } from './configuration.ts';
import { defaultSettings } from './defaults.ts';
import { emptyLayer, mergeLayers, type Layer } from './layer.ts';
import type { InstanceName, Settings } from './settings.ts';

/** Settings from command line options. Their checks are added to those of the file; others override the file. */
export type Flags = Omit<Layer, 'checks'> & { readonly checks?: readonly CheckWithoutName[] | undefined };

/**
 * The settings of one instance: `base`, then the file's defaults, then its matching blocks, the most exact last, then the
 * flags. How two of them are joined is said at `mergeLayers`.
 */
export function settingsFor(
  configuration: Configuration,
  instance: InstanceName,
  flags: Flags = {},
  base: Settings = defaultSettings,
): Settings {
  const { checks: added = [], ...rest } = flags;
  const { checks, environment, onFailure, hook, hooks, ...plain } = [
    ...layersFor(configuration, instance),
    rest,
  ].reduce<Layer>(mergeLayers, emptyLayer);
  return {
    ...base,
    ...present(plain),
    onFailure: { ...base.onFailure, ...present(onFailure ?? {}) },
    hook: { ...base.hook, ...present(hook ?? {}) },
    hooks: { ...base.hooks, ...withoutRemoved(present(hooks ?? {})) },
    environment: { ...base.environment, ...withoutRemoved(environment ?? {}) },
    checks: nameChecks([...base.checks, ...Object.values(withoutRemoved(checks ?? {})), ...added]),
  };
}

/** The layers of the file that match this instance, the most specific last. */
function layersFor(configuration: Configuration, instance: InstanceName): readonly Layer[] {
  return [
    configuration.defaults,
    ...configuration.blocks.filter((block) => block.matches(instance)).map((block) => block.layer),
  ];
}

function withoutRemoved<T>(entries: Readonly<Record<string, T | null>>): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).filter((entry): entry is [string, T] => entry[1] !== null));
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(entries: T): Present<T> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Present<T>;
}
