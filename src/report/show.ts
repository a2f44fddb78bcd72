import { formatDuration } from '../duration.ts';
import type { Changes, CheckResult, RecordedEvent, RunStarted } from '../event.ts';
import type { RunRecord } from '../journal/runs.ts';
import { neutralise, shellWords } from '../text.ts';
import { outcomeSummaryLines } from './outcome-summary.ts';
import { noFacts, withEvent } from './run-facts.ts';
import type { ClockReading } from '../deadline.ts';
import { stateOf, timeLeftOf, waitingUntil } from './run-state.ts';
import { formatBytes, phaseTitles, safeLines, describeCommandEnd } from './format.ts';
import { formatTime } from '../time.ts';

/** One file of evidence, by its name in the record. */
export interface EvidenceFile {
  readonly name: string;
  /** Null where it is not there any more. */
  readonly bytes: number | null;
}

function evidenceLine({ name, bytes }: EvidenceFile): string {
  return `${name.padEnd(24)} ${bytes === null ? 'removed' : formatBytes(bytes)}`;
}

/** Everything about one run, for `guard show`: who, what, when, how it ended, the timeline, the checks, what changed. */
export function showRun(
  record: RunRecord,
  evidence: readonly EvidenceFile[] = [],
  reading: ClockReading | null = null,
): string {
  return [
    headLines(record, reading),
    outcomeLines(record),
    section('Timeline', timeline(record)),
    section('Checks, before and after', checkLines(record)),
    section('What changed', record.changes === null ? [] : changeLines(record.changes)),
    section(`Evidence (guard show ${record.run} --evidence NAME)`, evidence.map(evidenceLine)),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function headLines(record: RunRecord, reading: ClockReading | null): string[] {
  const { run, started, ended, directory } = record;
  const { name, exitStatus } = stateOf(record);
  return [
    `Run        ${run}`,
    ...(started
      ? [
          `Instance   ${addressOf(record)} (project ${neutralise(started.project)})`,
          `Command    ${neutralise(shellWords(started.command), 4000)}`,
          `Started    ${formatTime(started.at)} on ${neutralise(started.holder.host)}, pid ${started.holder.pid}, guard ${neutralise(started.version)}`,
          ...rehearsalLine(started),
        ]
      : []),
    ...(ended ? [`Ended      ${formatTime(ended.at)}, after ${formatDuration(ended.ms)}`] : []),
    `Outcome    ${name}${exitStatus === null ? '' : ` (exit status ${exitStatus})`}`,
    ...waitLines(record, reading),
    `Record     ${directory}`,
  ];
}

function waitLines(record: RunRecord, reading: ClockReading | null): string[] {
  const deadline = waitingUntil(record);
  if (deadline === null) return [];
  const left = reading === null ? '' : ` (${timeLeftOf(record, reading)})`;
  return [`Waits      for a confirmation until ${formatTime(deadline.at)}${left}`];
}

/** The other one of a rehearsal and the run after it. */
function rehearsalLine({ rehearsal, rehearsedBy }: RunStarted): string[] {
  if (rehearsedBy !== undefined) return [`Rehearsal  ${neutralise(rehearsedBy)}`];
  if (rehearsal === undefined) return [];
  return [`Rehearsal  on a copy${rehearsal.before === null ? '' : `, before run ${neutralise(rehearsal.before)}`}`];
}

function outcomeLines(record: RunRecord): string[] {
  if (record.ended !== null) {
    const facts = { ...record.events.reduce(withEvent, noFacts(record.run)), recorded: false };
    return outcomeSummaryLines(record.ended.outcome, facts);
  }
  const { name } = stateOf(record);
  if (name === 'in progress') return ['This run is in progress.'];
  if (name === 'waiting')
    return [
      `The change waits for a confirmation. Keep it with \`guard confirm ${addressOf(record)}\`, or undo it with \`guard rollback ${addressOf(record)}\`.`,
    ];
  const who = name === 'unfinished' ? 'its guard was killed' : 'guard is running on another host, or was killed there';
  return [`This run has not ended: ${who}. If it was interrupted, \`guard recover ${addressOf(record)}\` finishes it.`];
}

function addressOf({ started }: RunRecord): string {
  if (started === null) return '';
  return neutralise(started.remote === null ? started.instance : `${started.remote}:${started.instance}`);
}

function timeline({ events }: RunRecord): string[] {
  const began = events[0]?.at ?? 0;
  return events.flatMap((event) =>
    describeEvent(event).map((text) => `${`+${formatDuration(Math.max(0, event.at - began))}`.padStart(12)}  ${text}`),
  );
}

function describeConfirmation(event: RecordedEvent): string[] {
  switch (event.type) {
    case 'confirmation-requested':
      return [`· waits for a confirmation until ${formatTime(event.deadline.at)}`];
    case 'confirmation-extended':
      return [`· the deadline is moved to ${formatTime(event.deadline.at)}`];
    case 'instance-renamed':
      return [`· the instance was renamed: it is ${neutralise(event.instance)} now`];
    case 'confirmation-settled':
      return [`· the change is ${event.state === 'expired' ? 'not confirmed in time' : event.state}`];
    default:
      return [];
  }
}

function describeEvent(event: RecordedEvent): string[] {
  switch (event.type) {
    case 'phase-started':
      return event.phase === 'command' ? ['  Command begins'] : [];
    case 'phase-ended':
      return [
        `${event.ok ? '✔' : '✖'} ${phaseTitles[event.phase]}: ${neutralise(event.message)} (${formatDuration(event.ms)})`,
      ];
    case 'notice':
      return safeLines(event.message, 20).map((line, index) => `${index > 0 ? ' ' : readMarker(event.level)} ${line}`);
    case 'command-ended':
      return [`· the command ${describeCommandEnd(event.end)}`];
    case 'decided':
      return [`· decided: ${event.decision}${event.cause === null ? '' : ` (${event.cause})`}`];
    case 'verdict':
      return event.verdict.reasons.map((reason) => `  ✖ ${neutralise(reason.message)}`);
    case 'released':
      return [
        event.restorePoint === null
          ? '· restore point removed'
          : `· restore point kept as ${neutralise(event.restorePoint)}`,
      ];
    case 'evidence-saved':
      return [
        `· evidence saved: ${event.files.length} ${event.files.length === 1 ? 'file' : 'files'}`,
        ...event.missing.map((missing) => `! evidence that could not be saved: ${neutralise(missing)}`),
      ];
    case 'lifecycle-command-ended':
      return [
        `${event.ok ? '·' : '!'} hook ${event.moment}: ${neutralise(event.message)} (${formatDuration(event.ms)})`,
        ...(event.output === undefined ? [] : [`  its output: ${neutralise(event.output)}`]),
      ];
    case 'restore-point-pruned':
      return [`· older restore point ${neutralise(event.name)} (run ${event.ofRun}) removed`];
    default:
      return describeConfirmation(event);
  }
}

function readMarker(level: 'info' | 'warning'): string {
  return level === 'warning' ? '!' : '·';
}

/** Both looks at a check side by side; a check that was asked once only has a dash for the other. */
function checkLines({ checksBefore, verdict, verdictAgain }: RunRecord): string[] {
  const looks = [checksBefore, verdict?.verdict.checks ?? [], verdictAgain?.verdict.checks ?? []];
  const names = [...new Set(looks.flatMap((checks) => checks.map((check) => check.name)))];
  return names.flatMap((name) => {
    const [before, after, again] = looks.map((checks) => checks.find((check) => check.name === name));
    const answers = [before, after, ...(verdictAgain === null ? [] : [again])].map((check) => check?.status ?? '—');
    const last = again ?? after ?? before;
    return [
      `${answers.join(' → ')}  ${neutralise(name)}${last ? describeCheck(last) : ''}`,
      ...describeWorst(after, last),
    ];
  });
}

function describeCheck({ message, ms, severity }: CheckResult): string {
  return `: ${neutralise(message)} (${formatDuration(ms)}${severity === 'advisory' ? ', advisory' : ''})`;
}

/** What a check said after the command, where it was asked again since and says something else. */
function describeWorst(after: CheckResult | undefined, last: CheckResult | undefined): string[] {
  return after && after !== last && after.status !== 'passed'
    ? [`    after the command: ${neutralise(after.message)}`]
    : [];
}

const mostLines = 300;

function changeLines({ packages, units, sockets }: Changes): string[] {
  const lines = [
    ...packages.map(({ name, from, to }) => `package ${name}: ${from ?? 'not there'} → ${to ?? 'removed'}`),
    ...units.appeared.map((unit) => `unit ${unit}: new`),
    ...units.gone.map((unit) => `unit ${unit}: gone`),
    ...(units.changed ?? []).map(({ name, from, to }) => `unit ${name}: ${from} → ${to}`),
    ...sockets.appeared.map((socket) => `socket ${socket}: new`),
    ...sockets.gone.map((socket) => `socket ${socket}: gone`),
  ].map((line) => neutralise(line));
  const rest = lines.length - mostLines;
  return rest > 0 ? [...lines.slice(0, mostLines), `and ${rest} more`] : lines;
}
