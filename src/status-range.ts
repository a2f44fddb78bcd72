/** Exit statuses or HTTP statuses, inclusive. */
export interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** `0,100-103` to ranges from `least` to `most`; null where the text is none. Spaces are ignored. */
export function parseStatusRanges(text: string, least: number, most: number): StatusRange[] | null {
  const ranges = text.split(',').map((part) => {
    const [, first = '', last = first] = /^\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*$/.exec(part) ?? [];
    return first === '' ? null : { first: Number(first), last: Number(last) };
  });
  const known = ranges.flatMap((range) => (range === null ? [] : [range]));
  const isKnown = ({ first, last }: StatusRange): boolean => first >= least && last <= most && first <= last;
  return known.length === ranges.length && known.every(isKnown) ? known : null;
}

/** Whether a status is in one of the ranges. */
export function isInRanges(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(({ first, last }) => status >= first && status <= last);
}
