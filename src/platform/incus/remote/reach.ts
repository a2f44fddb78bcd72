import type { Clock } from '../../../clock.ts';
import type { Refusal } from '../../../event.ts';
import { err, ok, type Result } from '../../../result.ts';
import { resolveAddress } from './address.ts';
import type { Environment } from './client-config.ts';
import type { Fleet } from '../../fleet.ts';
import type { Platform } from '../../platform.ts';
import { openIncusPlatform } from '../incus.ts';
import type { Incus } from '../http/client.ts';

/** The daemon of an instance, open, and what the instance is called there. */
export interface InstanceConnection {
  readonly platform: Platform;
  readonly fleet: Fleet;
  readonly instance: string;
  readonly project: string;
  /** The remote as in the `incus` command; null for the local socket. */
  readonly remote: string | null;
  readonly close: () => Promise<void>;
}

/** Sees every request, before it is sent and when it is answered. */
export type RequestWatch = Pick<Incus, 'onRequest' | 'onAnswer'>;

/** How long a remote may take to answer for the first time, in milliseconds. */
const remoteLimitMs = 30_000;

/** Finds the daemon of `name` or `remote:name` as the `incus` command would, and opens it. Close it at the end. */
export async function reach(wanted: {
  readonly environment: Environment;
  readonly clock: Clock;
  readonly instance: string;
  readonly project: string | null;
  readonly watch?: RequestWatch;
}): Promise<Result<InstanceConnection, Refusal>> {
  const { environment, clock, watch } = wanted;
  const address = await resolveAddress({ environment, remoteAndName: wanted.instance, projectFlag: wanted.project });
  if (!address.ok) return address;
  const { product, project, instance } = address.value;
  if (address.value.kind === 'local') {
    const { platform, fleet, close } = openIncusPlatform({
      product,
      socket: address.value.socket,
      project,
      clock,
      ...watch,
    });
    return ok({ platform, fleet, instance, project, remote: null, close: async () => close() });
  }
  const { openRemote } = await import('./remote.ts');
  const { remote: name, config } = address.value;
  const remote = await openRemote({
    remote: name,
    ...(product === 'LXD' ? { lxd: config } : {}),
    environment,
    clock,
    limitMs: remoteLimitMs,
  });
  if (!remote.ok)
    return err({ message: `Could not ${remote.error.purpose}: ${remote.error.detail}`, advice: remote.error.advice });
  const { platform, fleet, close } = openIncusPlatform({
    product,
    socket: remote.value.socket,
    project,
    clock,
    ...watch,
  });
  return ok({
    platform,
    fleet,
    instance,
    project,
    remote: address.value.remote,
    close: async () => {
      close();
      await remote.value.close();
    },
  });
}
