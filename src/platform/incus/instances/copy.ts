import { err, ok, type Result } from '../../../result.ts';
import { call, type Incus } from '../http/client.ts';
import type { PlatformFailure } from '../../failure.ts';
import { listOf, objectOf, textMapsOf, textOf, textsOf } from '../http/json.ts';
import { operate } from '../http/operations.ts';
import type { InstanceCopy, Limit } from '../../platform.ts';
import { configOf, metadataOf, type Devices } from './config.ts';

/** Copies an instance, without its snapshots, on the same pool. The copy is stopped, whatever the first one is. */
export async function copyInstance(
  incus: Incus,
  from: string,
  { name, description }: InstanceCopy,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `copy the instance ${from} to ${name}`;
  const seen = await call(incus, { method: 'GET', path: ['instances', from], purpose, instance: from });
  if (!seen.ok) return err(seen.error);
  const original = objectOf(seen.value.metadata);
  // guard's own keys are the original's: a copy is nobody's run.
  const own = Object.keys(metadataOf(textsOf(original['config'])));
  const body = {
    name,
    description,
    config: {
      'boot.autostart': 'false',
      'snapshots.schedule': '',
      ...configOf(Object.fromEntries(own.map((key) => [key, '']))),
    },
    // LXD takes none where they are left out, and then has no root disk.
    profiles: listOf(original['profiles']).map(textOf),
    devices: detached(textMapsOf(original['expanded_devices']), name),
    source: { type: 'copy', source: from, instance_only: true },
  };
  const made = await operate(incus, { method: 'POST', path: ['instances'], body, purpose, instance: from, ...limit });
  return made.ok ? ok(undefined) : made;
}

/**
 * Everything but the root disk: no network, no ports of the host, and above all no volumes, which would then be shared. A
 * dependent volume is a part of the instance, so the server copies it too; the copy of it needs a name of its own.
 */
function detached(devices: Devices, copy: string): Devices {
  return Object.fromEntries(
    Object.entries(devices)
      .filter(([, keys]) => !(keys['type'] === 'disk' && keys['path'] === '/'))
      .map(([device, keys]) => [
        device,
        isDependent(keys) ? { ...keys, source: `${copy}-${device}` } : { type: 'none' },
      ]),
  );
}

function isDependent(keys: Devices[string]): boolean {
  return keys['type'] === 'disk' && keys['dependent'] === 'true';
}
