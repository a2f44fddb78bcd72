import type { Listener, RecordedEvent } from '../event.ts';
import type { ReportFile } from '../report/report-file.ts';
import type { Reports } from '../report/report-files.ts';
import type { Target } from '../report/run-report.ts';
import { writeLines } from '../report/write.ts';
import type { Result } from '../result.ts';
import { refused } from '../run/refusal.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import type { CommonOptions } from './run-options.ts';
import { UsageMistake } from './usage.ts';

/** Opens the files of `--report` before anything happens, and gives the work a context whose views write them as well. */
export async function withReports(
  context: Context,
  options: CommonOptions,
  targets: readonly Target[],
  work: (context: Context) => Promise<number>,
): Promise<number> {
  if (options.report === undefined) return work(context);
  const opened = await openAll(context, options.report, targets);
  if (!opened.ok)
    return reportOutcome(
      { ...context, ...(targets[0] === undefined ? {} : { target: targets[0] }) },
      options.json ?? false,
      refused(opened.error, 'Name a file in an existing folder that you may write to.'),
    );
  try {
    return await work({ ...context, reports: opened.value });
  } catch (bug) {
    if (!(bug instanceof UsageMistake)) await opened.value.breakOff(bug);
    throw bug;
  }
}

/** The context in which what follows is about this target. */
export async function about(
  context: Context,
  target: Target,
  history: readonly RecordedEvent[] = [],
): Promise<Context & { readonly target: Target }> {
  await context.reports?.begin(target, history);
  return { ...context, target };
}

/** The same files, for one of several runs at once. */
export function reportsOfOne(reports: Reports): Reports {
  let follow: Listener | null = null;
  return {
    ...reports,
    begin: async (target, history) => {
      follow = await reports.follow(target, history);
    },
    listener: (event) => (follow ?? reports.listener)(event),
  };
}

/** For a command line that could not be read: the reports that it names, as far as they can be made out and written. */
export async function withReportsOfMistake(
  context: Context,
  files: readonly ReportFile[],
  command: readonly string[],
): Promise<Context> {
  const target = { instance: '', command };
  const opened = files.length === 0 ? null : await openAll(context, files, []);
  return about({ ...context, ...(opened?.ok === true ? { reports: opened.value } : {}) }, target);
}

async function openAll(
  context: Context,
  files: readonly ReportFile[],
  targets: readonly Target[],
): Promise<Result<Reports, string>> {
  // Loaded late: most runs write none.
  const { openReports } = await import('../report/report-files.ts');
  return openReports({
    files,
    targets,
    version: context.version,
    workingDirectory: context.workingDirectory,
    complain: (message) => void writeLines(context.stderr, [`guard: ${message}`]),
  });
}
