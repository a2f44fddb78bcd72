import { nearest } from '../text.ts';
import type { Configuration } from './configuration.ts';
import type { InstanceName } from './instance-name.ts';

/** The keys below `instances` that are nearly the name of this instance, and do not mean it: they may be misspelt. Pure. */
export function nearBlocks({ blocks }: Configuration, instance: InstanceName): string[] {
  return blocks
    .filter(({ pattern, matches }) => !/[*?[\]{}]/.test(pattern) && !matches(instance))
    .map(({ pattern }) => pattern)
    .filter((pattern) => nearest(pattern.slice(pattern.indexOf(':') + 1), [instance.name]) !== null);
}
