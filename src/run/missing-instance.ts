import type { Outcome } from '../event.ts';
import type { Platform } from '../platform/platform.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import { nearest } from '../text.ts';
import type { Plan } from './plan.ts';
import { refused, refusedBecause } from './refusal.ts';

/** The refusal for an instance that could not be read. If it does not exist, the advice names the most similar one. */
export async function explainMissing(
  platform: Platform,
  { instance, project, remote }: Pick<Plan, 'instance' | 'project' | 'remote'>,
  failure: PlatformFailure,
): Promise<Outcome> {
  if (failure.kind !== 'not-found') return refusedBecause(failure);
  const names = await platform.listInstanceNames();
  if (!names.ok) return refusedBecause(failure);
  const near = nearest(instance, names.value);
  const where = `project "${project}"${remote === null ? '' : ` of remote "${remote}"`}`;
  if (names.value.length === 0 && project !== 'default')
    return refused(
      `There is no instance "${instance}" in ${where}, which is empty or does not exist.`,
      `See \`${platform.commands.listProjects({ remote })}\`.`,
    );
  return refused(
    `There is no instance "${instance}" in ${where}.`,
    near === null ? `See \`${platform.commands.listInstances({ project, remote })}\`.` : `Did you mean "${near}"?`,
  );
}
