/** Numbers of one side, one a round. */
export type Series = readonly number[];

/** The value below which `part` (0 to 1) of them lie. */
export const quantile = (series: Series, part: number): number => {
  const sorted = series.toSorted((a, b) => a - b);
  return sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
};

export const median = (series: Series): number => quantile(series, 0.5);

/** Each round of `ours` against the same round of `theirs`: what the machine does meanwhile is in both. */
export const ratios = (ours: Series, theirs: Series): Series =>
  ours.map((value, round) => value / (theirs[round] ?? Number.NaN));

/** Measures all sides in turn, each once a round, the first of each round another one. A round before the first is not counted. */
export const alternate = async <Side extends string, Value = number>(
  rounds: number,
  sides: Readonly<Record<Side, () => Promise<Value>>>,
): Promise<Record<Side, readonly Value[]>> => {
  const names = Object.keys(sides) as Side[];
  const found = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Side, Value[]>;
  for (let round = -1; round < rounds; round += 1)
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round + 1) % names.length] as Side;
      const value = await sides[name]();
      if (round >= 0) found[name].push(value);
    }
  return found;
};

/** How long it took, in milliseconds. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};
