import { cleanMessage, patternOf, speaksOfError } from '../../knowledge/errors.ts';
import type { LogError, LogExcerpt } from '../../facts.ts';
import { numberOr, type Section } from '../../probe/sections.ts';

interface Entry {
  readonly source: string;
  readonly message: string;
  /** Seconds since 1970; null for a line of a file, which was written after the earlier observation. */
  readonly at: number | null;
  readonly isError: boolean;
}

/** Sizes of log files, then entries of the journal as JSON, then new lines of each log file. Errors that were written before `since` as well are left out. */
export function logFrom(section: Section, since: number): LogExcerpt | null {
  if (section.status !== 0) return null;
  const sizes: Record<string, number> = {};
  const entries: Entry[] = [];
  let file: string | null = null;
  for (const line of section.lines.slice(0, 20_000)) {
    const [, bytes, path] = /^size (\d{1,15}) (\/var\/log\/.{1,200})$/.exec(line) ?? [];
    const opened = /^file (\/var\/log\/.{1,200})$/.exec(line)?.[1];
    if (path !== undefined) sizes[path] = numberOr(bytes, 0);
    else if (opened !== undefined) file = opened;
    else if (file !== null) entries.push({ source: file, message: line, at: null, isError: false });
    else if (line.startsWith('{')) entries.push(...entryOfJournal(line));
  }
  return {
    sizes,
    errors: errorsIn(entries, since),
    written: counted(entries.flatMap(({ at, source }) => (at === null ? [] : [source]))),
  };
}

function counted(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function entryOfJournal(line: string): Entry[] {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return [];
    const field = (name: string): string => {
      const value: unknown = Reflect.get(entry, name);
      return typeof value === 'string' ? value : '';
    };
    const unit = [field('_SYSTEMD_USER_UNIT'), field('UNIT'), field('_SYSTEMD_UNIT')].find(
      (one) => one !== '' && one !== 'init.scope',
    );
    return [
      {
        source: unit ?? field('SYSLOG_IDENTIFIER'),
        message: field('MESSAGE').slice(0, 1000),
        at: Number(field('__REALTIME_TIMESTAMP')) / 1_000_000,
        isError: numberOr(field('PRIORITY'), 6) <= 3,
      },
    ];
  } catch {
    return [];
  }
}

function errorsIn(entries: readonly Entry[], since: number): LogError[] {
  const before = new Set<string>();
  const found = new Map<string, LogError>();
  for (const { source, message, at, isError } of entries) {
    if (source === '' || !speaksOfError(message, isError)) continue;
    const pattern = patternOf(message);
    const key = `${source} ${pattern}`;
    if (at !== null && at < since) before.add(key);
    else found.set(key, { source, pattern, example: cleanMessage(message), count: (found.get(key)?.count ?? 0) + 1 });
  }
  return [...found].flatMap(([key, error]) => (before.has(key) ? [] : [error])).slice(0, 200);
}
