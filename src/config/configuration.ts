import { emptyLayer, type Layer } from './layer.ts';
import type { SourceLocation } from './mistake.ts';
import type { ConfiguredRollout } from './rollout-settings.ts';
import type { InstanceName } from './instance-name.ts';

/** A valid guard.yaml. */
export interface Configuration {
  /** Null where there is no file. */
  readonly file: ConfigurationFile | null;
  readonly defaults: Layer;
  /** Blocks for instances, the most specific last. */
  readonly blocks: readonly Block[];
  /** Names and globs by the group that they are in. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly rollout: Partial<ConfiguredRollout>;
}

interface ConfigurationFile {
  readonly path: string;
  /** Where a key stands, by its path from the top, e.g. `['instances', 'web*', 'checks', 'site']`; null if it is not there. */
  readonly locate: (path: readonly string[]) => SourceLocation | null;
}

/** The settings for the instances that a key names. */
export interface Block {
  /** The key as it was written: `web01`, `web-*`, `prod:db?`. */
  readonly pattern: string;
  readonly matches: (instance: InstanceName) => boolean;
  readonly layer: Layer;
}

/** Where no file was found. */
export const emptyConfiguration: Configuration = {
  file: null,
  defaults: emptyLayer,
  blocks: [],
  groups: {},
  rollout: {},
};
