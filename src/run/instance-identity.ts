import type { RunStarted } from '../event.ts';
import type { InstanceAddress, InstanceIdentity } from '../journal/instance-identity.ts';
import type { Instance } from '../platform/platform.ts';

/** The inspected instance, as records know it. */
export function identityOf(
  { instance, project, remote }: InstanceAddress,
  {
    instance: { uuid, createdAt },
    server,
  }: { readonly instance: Pick<Instance, 'uuid' | 'createdAt'>; readonly server: string | null },
): InstanceIdentity {
  return { instance, project, remote, uuid, server, createdAt };
}

/** What a record says of it. Left out is what the server does not tell. */
export function recordedIdentity({
  instance,
  project,
  remote,
  uuid,
  server,
}: InstanceIdentity): Pick<RunStarted, 'instance' | 'project' | 'remote' | 'uuid' | 'server'> {
  return {
    instance,
    project,
    remote,
    ...(uuid === null ? {} : { uuid }),
    ...(server === null ? {} : { server }),
  };
}
