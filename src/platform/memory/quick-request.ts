import type { Result } from '../../result.ts';
import type { PlatformFailure } from '../failure.ts';
import type { Answered } from '../platform.ts';
import { send, type MemoryClient, type Work } from './requests.ts';
import { findInstance, type MemoryInstance } from './server.ts';

/** The limit of a quick request, in milliseconds. */
export const quickMs = 30_000;

type QuickWork = Pick<Work<unknown>, 'name' | 'purpose'> &
  Partial<Pick<Work<unknown>, 'instance' | 'changes' | 'limitMs'>>;

/** Sends a request that the server answers at once. It changes nothing unless it says so. */
export function quickRequest<T>(
  client: MemoryClient,
  work: QuickWork,
  apply: () => Result<T, PlatformFailure>,
): Answered<T> {
  return send(client, {
    instance: null,
    activity: 'other',
    isOperation: false,
    changes: false,
    ms: client.server.takes.read,
    limitMs: quickMs,
    ...work,
    apply,
  });
}

/** The same about an instance that must exist. */
export function instanceRequest<T>(
  client: MemoryClient,
  work: QuickWork & { readonly instance: string },
  apply: (instance: MemoryInstance) => Result<T, PlatformFailure>,
): Answered<T> {
  return quickRequest(client, work, () => {
    const found = findInstance(client.server, work.instance, work.purpose);
    return found.ok ? apply(found.value) : found;
  });
}

/** Reads an instance that must exist. */
export function readInstance<T>(
  client: MemoryClient,
  name: string,
  purpose: string,
  instance: string,
  answer: (instance: MemoryInstance) => Result<T, PlatformFailure>,
): Answered<T> {
  return instanceRequest(client, { name, purpose, instance }, answer);
}
