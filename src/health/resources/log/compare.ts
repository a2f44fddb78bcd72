import { severe } from '../../knowledge/errors.ts';
import type { Facts } from '../../facts.ts';
import type { Difference } from '../../rules.ts';
import { conditionOf } from '../unit/state.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** Errors that services which ran before write again and again since the change, and did not write before it. */
export function compareLogs(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  if (after.log == null || before.log == null) return [];
  return after.log.errors
    .filter(({ source }) => isOfService(source, before, after))
    .filter(({ count }) => count >= 2)
    .map(({ source, example, count }): Difference => {
      const repeats = count >= fewestRepeats && severe.test(example);
      return {
        resource: 'log',
        change: repeats ? 'repeats' : 'new',
        name: source,
        subject: `log:${source}`,
        message: `${source} wrote ${count} times since the change, and not before: ${example}`,
        transient: true,
        traits: isRemoved(comparison, null, source) ? ['removed'] : [],
      };
    });
}

const fewestRepeats = 4;

/** Services that ran before and run now: what does not run any more is told as that. */
function isOfService(source: string, before: Facts, after: Facts): boolean {
  if (source.startsWith('/')) return true;
  const was = Object.values(before.units ?? {}).find(
    ({ id, names }) => id === source || names.includes(source) || id.endsWith(`/${source}`),
  );
  const is = Object.values(after.units ?? {}).find(
    ({ id, names }) => id === source || names.includes(source) || id.endsWith(`/${source}`),
  );
  return was !== undefined && is !== undefined && conditionOf(was) === 'running' && conditionOf(is) === 'running';
}
