import { copyInstance } from '../../incus/instance-copy.ts';
import { getInstance, type Devices } from '../../incus/instance.ts';
import { describeFailure } from '../../incus/failure.ts';
import type { Pool } from '../../incus/storage.ts';
import { shellWords } from '../../text.ts';
import { markerKey } from '../lock/marker.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/** Drivers where a copy does not stand in the way of the restore after it: on zfs it pins the dataset (docs/internals/incus.md, Storage drivers). */
const copyingDrivers: ReadonlySet<string> = new Set(['btrfs', 'dir', 'lvm']);

/** Whether what failed can be copied before it goes back; not where nobody may know the driver. */
export function canKeepFailed(pool: Pick<Pool, 'driver'> | null): boolean {
  return pool !== null && copyingDrivers.has(pool.driver);
}

/**
 * Keeps what failed as an instance of its own, to be looked into: stopped, connected to nothing but its root disk, and not
 * started at boot. guard never removes it, because it has no code that removes instances. Where it cannot be made, that is
 * told and the rollback goes on.
 */
export async function keepFailed(plan: Plan, tools: Pick<RunTools, 'incus' | 'recorder'>): Promise<void> {
  if (!plan.keepFailed) return;
  const name = nameOfCopy(plan);
  const failure = await makeCopy(plan, tools, name);
  await tools.recorder.record({
    type: 'notice',
    level: failure === null ? 'info' : 'warning',
    message:
      failure === null
        ? `What failed is kept as the instance "${name}": stopped, without network. ${whenDone(plan, name)}`
        : `What failed could not be kept as a copy. ${failure}`,
  });
}

async function makeCopy(plan: Plan, { incus }: Pick<RunTools, 'incus'>, name: string): Promise<string | null> {
  const instance = await getInstance(incus, plan.instance);
  if (!instance.ok) return describeFailure(instance.error);
  const copy = {
    name,
    description: `What run ${plan.run} of guard made of ${plan.instance}`,
    // The mark is the original's: a copy is nobody's run.
    config: { 'boot.autostart': 'false', 'snapshots.schedule': '', [markerKey]: '' },
    devices: detached(instance.value.expandedDevices),
  };
  const made = await copyInstance(incus, plan.instance, copy, { limitMs: plan.limits.snapshotMs });
  return made.ok ? null : describeFailure(made.error);
}

/** Everything but the root disk: no network, no ports of the host, and above all no volumes, which would then be shared. */
function detached(devices: Devices): Devices {
  return Object.fromEntries(
    Object.entries(devices)
      .filter(([, keys]) => !(keys['type'] === 'disk' && keys['path'] === '/'))
      .map(([device]) => [device, { type: 'none' }]),
  );
}

/** The longest name that Incus allows. */
const longestName = 63;

function nameOfCopy({ instance, run }: Plan): string {
  const end = `-failed-${run}`;
  return `${instance.slice(0, longestName - end.length)}${end}`;
}

function whenDone({ project, remote }: Plan, name: string): string {
  const words = ['incus', 'delete', remote === null ? name : `${remote}:${name}`];
  return `\`${shellWords(project === 'default' ? words : [...words, '--project', project])}\` removes it.`;
}
