import type { CheckResult, Changes, CommandEnd, Outcome, Phase, RehearsalReport, Verdict } from '../event.ts';
import { exitStatusOf } from '../run/outcome.ts';
import { summarizeOutcome } from './outcome-summary.ts';
import type { RunReport } from './run-report.ts';

/** The report of `--report json=FILE`; `schema/report.schema.json` describes it. */
export interface JsonReport {
  readonly v: 1;
  readonly guard: string;
  readonly runs: readonly JsonRun[];
}

interface JsonRun {
  readonly state: RunReport['state'];
  readonly run: string | null;
  readonly instance: string;
  readonly project: string | null;
  readonly remote: string | null;
  readonly command: readonly string[];
  readonly startedAt: number | null;
  readonly ms: number | null;
  readonly outcome: Outcome | null;
  readonly exitStatus: number | null;
  readonly message: string | null;
  readonly details: readonly string[];
  readonly phases: readonly {
    readonly phase: Phase;
    readonly ok: boolean | null;
    readonly ms: number | null;
    readonly message: string | null;
  }[];
  readonly checksBefore: readonly CheckResult[];
  readonly commandEnd: CommandEnd | null;
  readonly verdict: Verdict | null;
  readonly verdictAgain: Verdict | null;
  readonly changes: Changes | null;
  readonly restorePoint: string | null;
  readonly evidence: { readonly files: readonly string[]; readonly missing: readonly string[] } | null;
  readonly rehearsal: RehearsalReport | null;
  readonly notices: readonly { readonly level: 'info' | 'warning'; readonly message: string }[];
  readonly output: string;
}

/** The runs as one JSON document. */
export function jsonReportOf(version: string, stories: readonly RunReport[]): JsonReport {
  return {
    v: 1,
    guard: version,
    runs: stories.map(runOf),
  };
}

function runOf(story: RunReport): JsonRun {
  return {
    state: story.state,
    run: story.record.run || null,
    ...whereOf(story),
    ...endOf(story),
    ...healthOf(story),
    phases: story.record.phases.map(({ phase, ended }) => ({
      phase,
      ok: ended?.ok ?? null,
      ms: ended?.ms ?? null,
      message: ended?.message ?? null,
    })),
    rehearsal: story.facts.rehearsal,
    notices: story.record.events.flatMap((event) =>
      event.type === 'notice' ? [{ level: event.level, message: event.message }] : [],
    ),
    output: story.output,
  };
}

function whereOf({ target, record }: RunReport) {
  return {
    instance: target.instance,
    project: record.started?.project ?? null,
    remote: record.started?.remote ?? null,
    command: target.command,
    startedAt: record.events[0]?.at ?? null,
  };
}

function endOf({ state, outcome, record, facts, internalError }: RunReport) {
  const { restorePoint } = facts;
  const commandEnd = record.commandEnded?.end ?? null;
  if (outcome === null || internalError !== null)
    return { ms: null, outcome: null, exitStatus: null, message: internalError, details: [], restorePoint, commandEnd };
  const hasEnded = state === 'ended' && record.ended !== null;
  const { headline, details } = summarizeOutcome(outcome, facts);
  return {
    ms: hasEnded ? (record.ended?.ms ?? null) : null,
    outcome,
    exitStatus: hasEnded ? exitStatusOf(outcome) : null,
    message: headline,
    details,
    restorePoint,
    commandEnd,
  };
}

function healthOf({ record: { checksBefore, verdict, verdictAgain, changes, evidence } }: RunReport) {
  return {
    checksBefore,
    verdict: verdict?.verdict ?? null,
    verdictAgain: verdictAgain?.verdict ?? null,
    changes,
    evidence: evidence === null ? null : { files: evidence.files, missing: evidence.missing },
  };
}
