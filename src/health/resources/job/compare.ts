import type { Facts, Job } from '../../facts.ts';
import type { Difference } from '../../rules.ts';
import { withoutVersion } from '../unit/state.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** Jobs of cron and at that will not run any more: their line, their table, their program or their daemon is gone. */
export function compareJobs(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  if (before.jobs == null || after.jobs == null) return [];
  return [
    ...lostEntries(comparison, before.jobs.entries, after.jobs.entries),
    ...lostPrograms(before, after),
    ...newlyIgnored(before, after),
    ...lostDaemon(comparison),
  ];
}

function lostEntries(comparison: Comparison, were: readonly Job[], are: readonly Job[]): Difference[] {
  const exact = new Set(are.map(keyOf));
  const commands = new Set(are.map(commandOf));
  const lost = were.filter(
    (job) => !exact.has(keyOf(job)) && !commands.has(commandOf(job)) && !isDue(job, comparison.after),
  );
  const tables = new Map<string, Job[]>();
  for (const job of lost) tables.set(job.table, [...(tables.get(job.table) ?? []), job]);
  return [...tables].map(([table, jobs]) => {
    const name = table.slice(table.lastIndexOf('/') + 1);
    const isTable = !are.some((job) => job.table === table);
    const what = jobs.map(({ line }) => `"${isOfAt(table) ? line : nameOf(line)}"`).slice(0, 3);
    const owner = packageOf(comparison, table, jobs);
    const files = jobs.map((job) => `${table}/${job.line}`);
    const removed = isRemoved(comparison, table, name) || files.some((file) => isRemoved(comparison, file));
    // A line that its package replaced, and another one that stands in the same table for it.
    const rewritten = owner !== null && are.some((job) => job.table === table) && isInstalled(owner, comparison.after);
    return {
      resource: 'job',
      change: isTable ? 'gone' : 'lost',
      name: table,
      subject: `job:${table}`,
      message: `${isOfAt(table) ? 'at' : 'cron'} had ${jobs.length === 1 ? 'the job' : `${jobs.length} jobs:`} ${what.join(', ')} in ${table}, and no longer has ${jobs.length === 1 ? 'it' : 'them'}`,
      transient: false,
      traits: [
        ...(removed ? (['removed'] as const) : []),
        ...(rewritten || isQueuedAgain(table, jobs, were, are) || isTimerInstead(comparison, jobs, name)
          ? (['replaced'] as const)
          : []),
      ],
    };
  });
}

function packageOf({ before }: Comparison, table: string, jobs: readonly Job[]): string | null {
  const files = [table, ...jobs.map((job) => `${table}/${job.line}`)];
  return files.map((file) => before.packaged?.[file]).find((owner) => owner !== undefined) ?? null;
}

function isInstalled(name: string, { packages }: Facts): boolean {
  return packages !== null && Object.hasOwn(packages.installed, name);
}

/** A timer that is newly there and is called after the table or the job's program. */
function isTimerInstead({ before, after }: Comparison, jobs: readonly Job[], table: string): boolean {
  const known = new Set(Object.keys(before.units ?? {}));
  const words = new Set(
    [table, ...jobs.map(({ line }) => nameOf(line))].flatMap((text) => text.split(/[^A-Za-z0-9]+/)),
  );
  return Object.values(after.units ?? {}).some(
    ({ id, active }) =>
      id.endsWith('.timer') &&
      active === 'active' &&
      (!known.has(id) || before.units?.[id]?.active !== 'active') &&
      id.split(/[^A-Za-z0-9]+/).some((word) => word.length > 3 && word !== 'timer' && words.has(word)),
  );
}

/** As many jobs of at came as went: they were given another time. */
function isQueuedAgain(table: string, lost: readonly Job[], were: readonly Job[], are: readonly Job[]): boolean {
  const known = new Set(were.map(keyOf));
  return isOfAt(table) && are.filter((job) => job.table === table && !known.has(keyOf(job))).length >= lost.length;
}

const isOfAt = (table: string): boolean => /\/at(jobs)?$/.test(table);

const keyOf = ({ table, line }: Job): string => `${table} ${line}`;

/** The same program with other times or arguments is a job that was edited. */
function commandOf({ table, line }: Job): string {
  // A job of at is a file with a number, which says nothing of what it runs.
  return isOfAt(table) ? `${table} ${line}` : `${table.split('/').slice(0, 4).join('/')} ${nameOf(line)}`;
}

/** The program of a line, as cron and people call it. */
function nameOf(line: string): string {
  const rest = /^(@\w+|(\S+ ){4}\S+) (.*)$/.exec(line)?.[3] ?? line;
  const path = /(\/[\w./+@-]+)/.exec(rest)?.[1];
  return withoutVersion(path === undefined ? rest.slice(0, 60) : path.slice(path.lastIndexOf('/') + 1));
}

/** at writes the minute of a job, in hexadecimal digits, at the end of its file's name: one that was due is done. */
function isDue({ table, line }: Job, { observedAt }: Facts): boolean {
  const [, minute] = /^[A-Za-z=][0-9a-f]{5}([0-9a-f]{8})$/.exec(line) ?? [];
  if (!isOfAt(table)) return false;
  return minute === undefined || observedAt === undefined || Number.parseInt(minute, 16) * 60 <= observedAt;
}

function lostPrograms(before: Facts, after: Facts): Difference[] {
  const known = new Set(before.jobs?.missingPrograms);
  return (after.jobs?.missingPrograms ?? [])
    .filter((path) => !known.has(path) && before.jobs?.entries.some(({ line }) => line.includes(path)) === true)
    .map((path) => ({
      resource: 'job',
      change: 'program-missing',
      name: path,
      subject: `job:${path}`,
      message: `${path}, which a cron job runs, no longer exists`,
      transient: false,
      traits: [],
    }));
}

function newlyIgnored(before: Facts, after: Facts): Difference[] {
  const known = new Set(before.jobs?.ignoredTables);
  const had = new Set(before.jobs?.entries.map(({ table }) => table));
  return (after.jobs?.ignoredTables ?? [])
    .filter((path) => !known.has(path) && had.has(path))
    .map((path) => ({
      resource: 'job',
      change: 'ignored',
      name: path,
      subject: `job:${path}`,
      message: `cron ignores ${path} now: it is not owned by root, or other users can write to it`,
      transient: false,
      traits: [],
    }));
}

/** Tables of people and of the administrator that nobody reads any more. */
function lostDaemon({ before, after }: Comparison): Difference[] {
  const own = (after.jobs?.entries ?? []).filter(
    ({ table }) => table.startsWith('/var/spool/cron') || isOwn(table, before),
  );
  if (own.length === 0 || !hasDaemon(before) || hasDaemon(after)) return [];
  return [
    {
      resource: 'job',
      change: 'no-daemon',
      name: 'cron',
      subject: 'job:cron',
      message: `nothing runs the jobs in ${[...new Set(own.map(({ table }) => table))].slice(0, 3).join(', ')} any more: no cron daemon is running`,
      transient: true,
      traits: [],
    },
  ];
}

function isOwn(table: string, { packaged }: Facts): boolean {
  return table.startsWith('/etc/cron.d/') && packaged != null && !Object.hasOwn(packaged, table);
}

function hasDaemon({ processes, units }: Facts): boolean {
  return (
    (processes?.some(({ name }) => /^(cron|crond|fcron|cronie|systemd-cron|bcron-sched)$/.test(name)) ?? true) ||
    Object.keys(units ?? {}).some((id) => /^cron-.*\.timer$/.test(id))
  );
}
