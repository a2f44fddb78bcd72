import { lstat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { formatStack } from '../internal-error.ts';
import type { Listener, RecordedEvent } from '../event.ts';
import { writeAtomically } from '../journal/durable.ts';
import { tryFiles } from '../journal/file-failure.ts';
import { err, ok, type Result } from '../result.ts';
import { jsonReportOf } from './json-report.ts';
import { junitOf } from './junit.ts';
import { markdownOf } from './markdown-report.ts';
import { readEvidence } from './page/evidence-text.ts';
import { inspectHolder } from '../journal/holder.ts';
import type { RolloutRecord } from '../rollout/record.ts';
import { runsPage } from './page/instances-page.ts';
import { rolloutPage } from './page/rollout-page.ts';
import type { ReportFile, ReportFormat } from './report-file.ts';
import { createRunReportBuilder, type RunReport, type RunReportBuilder, type Target } from './run-report.ts';

/** The files of all `--report`, about all instances of one command line. */
export interface Reports {
  /** From now on the events are of this target; `history` is what is known already of a run that is taken up again. */
  readonly begin: (target: Target, history?: readonly RecordedEvent[]) => Promise<void>;
  readonly listener: Listener;
  /** The listener of one of several runs at once. */
  readonly follow: (target: Target, history?: readonly RecordedEvent[]) => Promise<Listener>;
  /** These are the targets instead of those whose turn has not come; what has begun stays. */
  readonly expect: (targets: readonly Target[]) => Promise<void>;
  /** What is known of the rollout that the runs belong to. */
  readonly followRollout: (record: RolloutRecord) => Promise<void>;
  /** There was nothing to do for a target after all. */
  readonly drop: (target: Target) => Promise<void>;
  /** guard itself failed: the reports say so before it ends. */
  readonly breakOff: (bug: unknown) => Promise<void>;
}

/**
 * Writes every file at once, with runs that have not ended: it is known before anything happens that they can be written, and
 * a guard that is killed leaves no green report of an earlier run. They are written again at each beginning and end of a run, and of a wait for a confirmation.
 * A failure is one sentence. `complain` hears of later ones: the report then stays as it was, and not green.
 */
export async function openReports(options: {
  readonly files: readonly ReportFile[];
  readonly version: string;
  readonly workingDirectory: string;
  readonly targets: readonly Target[];
  readonly complain: (message: string) => void;
}): Promise<Result<Reports, string>> {
  const builders = new Map<string, RunReportBuilder>(
    options.targets.map((target) => [keyOf(target), createRunReportBuilder(target)]),
  );
  let current: RunReportBuilder | null = null;
  let rollout: RolloutRecord | null = null;
  const write = () => writeAll(options, [...builders.values()], rollout);
  async function rewrite(): Promise<void> {
    const written = await write();
    if (!written.ok) options.complain(written.error);
  }
  const first = await write();
  if (!first.ok) return first;
  return ok({
    begin: async (target, history = []) => {
      const previous = current?.report();
      // A run without events has not started: its rehearsal goes first, and may be the end of it.
      if (previous?.state === 'under-way' && previous.record.events.length === 0)
        builders.set(keyOf(previous.target), createRunReportBuilder(previous.target));
      current = createRunReportBuilder(target, history);
      current.begin();
      builders.set(keyOf(target), current);
      await rewrite();
    },
    follow: async (target, history = []) => {
      const followed = createRunReportBuilder(target, history);
      followed.begin();
      builders.set(keyOf(target), followed);
      await rewrite();
      return async (event) => {
        followed.listener(event);
        if (changesOutcome.has(event.type)) await rewrite();
      };
    },
    listener: async (event) => {
      if (current === null || current.report().state === 'ended') {
        const target = targetOfAll([...builders.values()]);
        current = createRunReportBuilder(target);
        builders.set(keyOf(target), current);
      }
      current.listener(event);
      if (changesOutcome.has(event.type)) await rewrite();
    },
    expect: async (targets) => {
      for (const [key, builder] of builders) if (builder.report().state === 'not-started') builders.delete(key);
      for (const target of targets)
        if (!builders.has(keyOf(target))) builders.set(keyOf(target), createRunReportBuilder(target));
      await rewrite();
    },
    followRollout: async (record) => {
      rollout = record;
      // While it is under way, the runs themselves have the files written.
      if (record.status !== 'running') await rewrite();
    },
    drop: async (target) => {
      builders.delete(keyOf(target));
      await rewrite();
    },
    breakOff: async (bug) => {
      current?.breakOff(`This is a bug in guard: ${formatStack(bug)}`);
      await rewrite();
    },
  });
}

/** After these a report says something else: a guard that is killed while a change waits leaves one that says so. */
const changesOutcome: ReadonlySet<RecordedEvent['type']> = new Set([
  'confirmation-requested',
  'confirmation-extended',
  'confirmation-settled',
  'run-ended',
]);

/** An outcome that comes when no run is under way is about all whose turn has not come: a run of its own. */
function targetOfAll(builders: readonly RunReportBuilder[]): Target {
  const toCome = builders.map((one) => one.report()).filter(({ state }) => state === 'not-started');
  const [first] = toCome;
  return {
    instance: toCome.map(({ target }) => target.instance).join(' '),
    command: first?.target.command ?? [],
  };
}

function keyOf({ instance, rehearsal }: Target): string {
  return rehearsal === true ? `${instance} (rehearsal)` : instance;
}

async function writeAll(
  options: { readonly files: readonly ReportFile[]; readonly version: string; readonly workingDirectory: string },
  builders: readonly RunReportBuilder[],
  rollout: RolloutRecord | null,
): Promise<Result<void, string>> {
  const reports = builders.map((builder) => builder.report());
  for (const { format, path } of options.files) {
    const file = resolve(options.workingDirectory, path);
    if (!(await isReplaceable(file)))
      return err(`The report cannot be written to "${path}": it is not a regular file.`);
    const content = contentOf(format, options.version, reports, rollout);
    // Whoever collects reports is often another user: as much is allowed as the umask leaves.
    const written = await tryFiles(file, () => writeAtomically(dirname(file), basename(file), content, 0o666));
    if (!written.ok) return err(`The report cannot be written: ${written.error}`);
  }
  return ok(undefined);
}

/** A file takes the place of what is there: that must not be a device, a pipe or a folder. */
async function isReplaceable(file: string): Promise<boolean> {
  const there = await lstat(file).catch(() => null);
  return there === null || there.isFile() || there.isSymbolicLink();
}

function contentOf(
  format: ReportFormat,
  version: string,
  reports: readonly RunReport[],
  rollout: RolloutRecord | null,
): string {
  switch (format) {
    case 'junit':
      return junitOf(reports);
    case 'json':
      return `${JSON.stringify(jsonReportOf(version, reports), null, 2)}\n`;
    case 'markdown':
      return markdownOf(reports);
    case 'html':
      return htmlOf(version, reports, rollout);
  }
}

function htmlOf(version: string, reports: readonly RunReport[], record: RolloutRecord | null): string {
  const pages = reports.map((report) => ({
    report,
    evidence: readEvidence(report.record.evidence?.files ?? []),
    version,
  }));
  if (record === null) return runsPage(pages, version);
  const ofInstances = pages.filter(({ report }) => report.target.rehearsal !== true);
  const runs = new Map(ofInstances.map((page) => [page.report.target.instance, page]));
  return rolloutPage({ record, runs, lookAtHolder: inspectHolder, version });
}
