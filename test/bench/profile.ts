import { readFile } from 'node:fs/promises';
import type { Series } from './measure.ts';
import { spread } from './row.ts';

/** Where the time of a run goes, one part after the other. */
export interface Profile {
  readonly title: string;
  readonly parts: readonly Part[];
}

/** Milliseconds of each round; `rest`: of Incus' own operations for the same, where there are any. */
export interface Part {
  readonly what: string;
  readonly guard: Series;
  readonly rest: Series | null;
}

/** A phase or a request of a trace, in milliseconds since guard's start. */
interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Times of one run. */
export interface Times {
  /** When the first request was sent. */
  readonly firstRequest: number;
  readonly begin: (phase: string) => number;
  readonly end: (phase: string) => number;
  /** When the first operation of a phase had ended. */
  readonly firstWait: (phase: string) => number;
}

/** Reads what `--trace` wrote. */
export const readTrace = async (file: string): Promise<Times> => {
  const events = JSON.parse(await readFile(file, 'utf8')) as { name: string; ph: string; ts: number; dur: number }[];
  const spans: Span[] = events
    .filter(({ ph }) => ph === 'X')
    .map(({ name, ts, dur }) => ({ name, from: ts / 1000, to: (ts + dur) / 1000 }))
    .toSorted((a, b) => a.from - b.from);
  const first = (isIt: (span: Span) => boolean, what: string): Span => {
    const found = spans.find(isIt);
    if (found === undefined) throw new Error(`the trace has no ${what}`);
    return found;
  };
  const phase = (name: string): Span => first((span) => span.name === name, name);
  return {
    firstRequest: first(({ name }) => / \//.test(name), 'request').from,
    begin: (name) => phase(name).from,
    end: (name) => phase(name).to,
    firstWait: (name) =>
      first((span) => span.from >= phase(name).from && span.name.endsWith('/wait'), `wait in ${name}`).to,
  };
};

/** The profile as markdown. */
export const chapterOf = ({ title, parts }: Profile): string[] => [
  `### ${title}`,
  '',
  '| part | guard | Incus’ own operation |',
  '| --- | --- | --- |',
  ...parts.map(({ what, guard, rest }) => `| ${what} | ${spread(guard, 'ms')} | ${rest ? spread(rest, 'ms') : ''} |`),
  '',
];
