import { nameChecks, type CheckWithoutName } from '../check-default.ts';
import type { Configuration } from './configuration.ts';
import { defaultSettings } from './defaults.ts';
import type { InstanceName } from './instance-name.ts';
import { emptyLayer, isMapping, mergeLayers, type Layer } from './layer.ts';
import type { Settings } from './settings.ts';

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
  const { checks, ...layer } = [...layersFor(configuration, instance), rest].reduce<Layer>(mergeLayers, emptyLayer);
  const known: Readonly<Record<string, unknown>> = base;
  return {
    ...base,
    ...Object.fromEntries(
      Object.entries(layer).map(([name, value]) => [
        name,
        isMapping(value) ? Object.assign({}, known[name], withoutRemoved(value)) : value,
      ]),
    ),
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

function withoutRemoved<T extends object>(entries: T): { [Name in keyof T]: Exclude<T[Name], null> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== null)) as {
    [Name in keyof T]: Exclude<T[Name], null>;
  };
}
