import type { Unit } from '../../facts.ts';
import type { Difference, Trait } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';
import { comesAndGoes, conditionOf, indexOf, ofSystemd, reasonOf } from './state.ts';

/** Timers that do not run their job any more, and jobs of timers that fail now. */
export function compareTimers(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  if (before.units === null || after.units === null) return [];
  const index = indexOf(after);
  const timers = Object.values(before.units).filter(({ id, active }) => id.endsWith('.timer') && active === 'active');
  return timers.flatMap((timer) => {
    if (comesAndGoes(timer)) return [];
    const now = index.find(timer);
    return [...lostTimer(comparison, timer, now), ...failingJob(comparison, timer)];
  });
}

function lostTimer(comparison: Comparison, timer: Unit, now: Unit | null): Difference[] {
  const difference = (change: string, says: string): Difference[] => [
    {
      resource: 'timer',
      change,
      name: timer.id,
      subject: `unit:${timer.id}`,
      message: `${timer.id} ran its job at set times, ${says}`,
      transient: false,
      traits: traitsOf(comparison, timer),
    },
  ];
  const condition = conditionOf(now);
  if (condition === 'running') {
    if (timer.planned !== true || now?.planned !== false || now.sub === 'running') return [];
    // It waited for one moment only, and that has come.
    if (now.lastTrigger !== timer.lastTrigger || comparison.restarted) return [];
    return difference('dead', 'and is no longer scheduled');
  }
  const hasFile = comparison.after.unitFiles?.includes(timer.id.replace(/@.*(?=\.timer$)/, '@')) === true;
  if (condition === 'gone' && !hasFile) return difference('gone', 'is gone');
  if (condition === 'masked') return difference('masked', 'is masked now');
  return difference(
    condition === 'failed' ? 'failed' : 'stopped',
    `is ${condition === 'failed' ? 'failed' : 'stopped'} now`,
  );
}

function traitsOf(comparison: Comparison, timer: Unit): Trait[] {
  const { before, after } = comparison;
  const name = timer.id.replace(/\.timer$/, '');
  const owner = before.packaged?.[timer.id];
  const [was, is] = [before, after].map(
    ({ jobs }) => (jobs?.entries ?? []).filter(({ table, line }) => `${table} ${line}`.includes(name)).length,
  );
  const timers = Object.values(after.units ?? {}).filter(
    ({ id, active }) => id.endsWith('.timer') && active === 'active' && before.units?.[id]?.active !== 'active',
  );
  const instead = timers.some(({ id }) => {
    const other = id.replace(/\.timer$/, '');
    return other.includes(name) || name.includes(other) || (owner !== undefined && after.packaged?.[id] === owner);
  });
  return [
    ...(isRemoved(comparison, timer.id, timer.id) ? (['removed'] as const) : []),
    ...(instead || (is ?? 0) > (was ?? 0) ? (['replaced'] as const) : []),
    ...(ofSystemd(timer.id) ? (['of-system'] as const) : []),
  ];
}

function failingJob(comparison: Comparison, timer: Unit): Difference[] {
  const id = timer.id.replace(/\.timer$/, '.service');
  const [was, is] = [comparison.before.units?.[id], comparison.after.units?.[id]];
  if (is === undefined || conditionOf(is) !== 'failed' || (was !== undefined && conditionOf(was) === 'failed'))
    return [];
  const reason = reasonOf(is);
  return [
    {
      resource: 'timer',
      change: 'job-fails',
      name: id,
      subject: `unit:${id}`,
      message: `${id}, which ${timer.id} runs, did not fail before and fails now${reason === '' ? '' : `: ${reason}`}`,
      transient: false,
      traits: isRemoved(comparison, id, id) ? ['removed'] : [],
    },
  ];
}
