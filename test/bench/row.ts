import { median, quantile, ratios, type Series } from './measure.ts';

/** One line of the table. */
export interface Row {
  readonly what: string;
  /** With spread: median (p10 to p90). */
  readonly guard: string;
  readonly against: string;
  readonly result: string;
  readonly target: string;
  /** Null where there is no target. */
  readonly met: boolean | null;
}

/** `12.3 ms (11.0 to 15.2)` */
export const spread = (series: Series, unit: string): string =>
  `${short(median(series))} ${unit} (${short(quantile(series, 0.1))} to ${short(quantile(series, 0.9))})`;

export const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

interface Compared {
  readonly what: string;
  readonly ours: Series;
  readonly theirs: Series;
  readonly against: string;
  readonly unit?: string;
}

/** guard as a multiple of something else, round by round. */
export const ratioRow = (
  { what, ours, theirs, against, unit = 'ms' }: Compared,
  target: { readonly message: string; readonly holds: (ratio: number) => boolean } | null,
): Row => {
  const each = ratios(ours, theirs);
  return {
    what,
    guard: spread(ours, unit),
    against: `${against}: ${spread(theirs, unit)}`,
    result: spread(each, '×'),
    target: target?.message ?? '',
    met: target?.holds(median(each)) ?? null,
  };
};

/** guard beyond something else, in milliseconds; `mostMs` null where there is no target. */
export const differenceRow = ({ what, ours, theirs, against }: Compared, mostMs: number | null): Row => {
  const each = ours.map((value, round) => value - (theirs[round] ?? Number.NaN));
  return {
    what,
    guard: spread(ours, 'ms'),
    against: `${against}: ${spread(theirs, 'ms')}`,
    result: `${median(each) < 0 ? '' : '+'}${spread(each, 'ms')}`,
    target: mostMs === null ? '' : `at most +${mostMs} ms`,
    met: mostMs === null ? null : median(each) <= mostMs,
  };
};

/** A figure with a limit of its own. */
export const limitRow = (what: string, ours: Series, unit: string, most: number | null): Row => ({
  what,
  guard: spread(ours, unit),
  against: '',
  result: '',
  target: most === null ? '' : `under ${most} ${unit}`,
  met: most === null ? null : median(ours) < most,
});

/** The rows as a markdown table. */
export const tableOf = (rows: readonly Row[]): string[] => [
  '| what | guard | against | result | target | met |',
  '| --- | --- | --- | --- | --- | --- |',
  ...rows.map(
    ({ what, guard, against, result, target, met }) =>
      `| ${[what, guard, against, result, target, met === null ? '' : met ? 'yes' : '**no**'].join(' | ')} |`,
  ),
];
