import type { Job, Jobs } from '../../facts.ts';
import type { Section } from '../../probe/sections.ts';

const mostJobs = 1000;

/** The lines of cron tables, scripts of cron's folders and jobs of at. Assignments of variables are no jobs. */
export function jobsFrom(section: Section): Jobs | null {
  if (section.status !== 0) return null;
  const entries: Job[] = [];
  const missing = new Set<string>();
  const ignored = new Set<string>();
  for (const line of section.lines.slice(0, 20_000)) {
    const [, word, rest] = /^(script|at|missing|mode) (.{1,400})$/.exec(line) ?? [];
    if (word === 'missing' && rest !== undefined) missing.add(rest.trim());
    else if (word === 'mode' && rest !== undefined) for (const path of ignoredTable(rest)) ignored.add(path);
    else if (word !== undefined && rest !== undefined) {
      const at = rest.lastIndexOf('/');
      entries.push({ table: rest.slice(0, at), line: rest.slice(at + 1) });
    } else {
      const [, table, text] = /^(\/[^:]{1,200}):(.*)$/.exec(line) ?? [];
      const job = text?.trim().replace(/\s+/g, ' ');
      if (table !== undefined && job && !/^(#|[A-Za-z_]+ ?=)/.test(job) && !besides.test(table))
        entries.push({ table, line: job.slice(0, 200) });
    }
  }
  return { entries: entries.slice(0, mostJobs), missingPrograms: [...missing], ignoredTables: [...ignored] };
}

/** cron passes over names with a dot. */
const besides = /^\/etc\/cron\.d\/[^/]*\./;

/** cron(8): tables in /etc must be root's, and nobody else may write to them. */
function ignoredTable(text: string): string[] {
  const [, mode, owner, path] = /^(\S{10,11}) (\d+) (\/etc\/.+)$/.exec(text) ?? [];
  if (path === undefined || mode === undefined) return [];
  return owner !== '0' || mode[5] === 'w' || mode[8] === 'w' ? [path] : [];
}
