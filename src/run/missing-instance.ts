import type { Outcome } from '../event.ts';
import type { Incus } from '../incus/client.ts';
import type { IncusFailure } from '../incus/failure.ts';
import { listInstanceNames } from '../incus/instance.ts';
import { nearest } from '../text.ts';
import type { Plan } from './plan.ts';
import { refused, refusedBecause } from './refusal.ts';

/** The outcome of a question about an instance that could not be answered: where there is none of that name, with the nearest one. */
export async function explainMissing(
  incus: Incus,
  { instance, project, remote }: Pick<Plan, 'instance' | 'project' | 'remote'>,
  failure: IncusFailure,
): Promise<Outcome> {
  if (failure.kind !== 'not-found') return refusedBecause(failure);
  const names = await listInstanceNames(incus);
  if (!names.ok) return refusedBecause(failure);
  const near = nearest(instance, names.value);
  const where = `project "${project}"${remote === null ? '' : ` of remote "${remote}"`}`;
  return refused(
    `There is no instance "${instance}" in ${where}.`,
    near === null ? 'See `incus list` for the names there are.' : `Did you mean "${near}"?`,
  );
}
