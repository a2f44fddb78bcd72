import type { RunStarted } from '../event.ts';
import type { InstanceIdentity } from '../journal/instance-identity.ts';
import type { Inspection } from './prepared-run.ts';
import type { Plan } from './plan.ts';

/** The inspected instance, as records know it. */
export function identityOf(
  { instance, project, remote }: Pick<Plan, 'instance' | 'project' | 'remote'>,
  { instance: { uuid, createdAt }, server }: Pick<Inspection, 'instance' | 'server'>,
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
