import type { Difference } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';
import { conditionOf, longRunning } from './state.ts';

/** Services that may open far fewer files than before. */
export function compareLimits(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  return Object.values(before.units ?? {}).flatMap((unit): Difference[] => {
    const now = after.units?.[unit.id];
    const [was, is] = [unit.openFiles, now?.openFiles];
    if (
      now === undefined ||
      was == null ||
      is == null ||
      is > was / 4 ||
      !longRunning(unit) ||
      conditionOf(now) !== 'running'
    )
      return [];
    const owner = before.packaged?.[unit.id];
    const versions = owner === undefined ? [] : [before, after].map(({ packages }) => packages?.installed[owner]);
    return [
      {
        resource: 'limit',
        change: 'lowered',
        name: unit.id,
        subject: `limit:${unit.id}`,
        message: `${unit.id} may open ${is} files now, before it was ${was}`,
        transient: false,
        traits: [
          ...(versions[0] !== versions[1] ? (['packaged'] as const) : []),
          ...(isRemoved(comparison, unit.id, unit.id) ? (['removed'] as const) : []),
        ],
      },
    ];
  });
}
