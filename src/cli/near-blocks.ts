import type { Configuration } from '../config/configuration.ts';
import { nearBlocks } from '../config/near-blocks.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { writeLines } from '../report/write.ts';
import { neutralise } from '../text.ts';
import type { Context } from './context.ts';

/**
 * Warns of a block of guard.yaml whose key is nearly the name of the instance and names no instance at all: its checks would
 * never run without notice.
 */
export async function warnOfNearBlocks(
  context: Context,
  configuration: Configuration,
  { platform, instance, remote }: InstanceConnection,
): Promise<void> {
  const near = nearBlocks(configuration, { name: instance, remote });
  if (near.length === 0) return;
  const names = await platform.listInstanceNames();
  if (!names.ok) return;
  for (const pattern of near)
    if (!names.value.includes(pattern.slice(pattern.indexOf(':') + 1)))
      await writeLines(context.stderr, [
        `guard: the settings of "${neutralise(pattern)}" in ${configuration.file?.path ?? 'guard.yaml'} apply to no instance. Did you mean "${instance}"?`,
      ]);
}
