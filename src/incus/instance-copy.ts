import { ok, type Result } from '../result.ts';
import type { Incus, Limit } from './client.ts';
import type { IncusFailure } from './failure.ts';
import type { Devices } from './instance.ts';
import { operate } from './operations.ts';

/** A second instance, made from what the first one is now. */
export interface InstanceCopy {
  readonly name: string;
  readonly description: string;
  /** Config keys and devices that differ from the first one's; the others are taken over. */
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Devices;
}

/** Copies an instance, without its snapshots, on the same pool. The copy is stopped, whatever the first one is. */
export async function copyInstance(
  incus: Incus,
  from: string,
  copy: InstanceCopy,
  limit: Limit,
): Promise<Result<void, IncusFailure>> {
  const body = { ...copy, source: { type: 'copy', source: from, instance_only: true } };
  const purpose = `copy the instance ${from} to ${copy.name}`;
  const made = await operate(incus, { method: 'POST', path: ['instances'], body, purpose, instance: from, ...limit });
  return made.ok ? ok(undefined) : made;
}
