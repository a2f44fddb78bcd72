import type { Cause, Changes, CommandEnd, Outcome, Refusal, Verdict } from '../event.ts';
import { formatDuration } from '../duration.ts';
import { neutralise, shellWords } from '../text.ts';
import type { RunFacts } from './run-facts.ts';
import { formatTime } from '../time.ts';
import { coverageText } from '../health/coverage.ts';
import { changeLines } from './change-lines.ts';
import { bounded, safeLines, describeCommandEnd } from './format.ts';
import { rehearsalHeadline, rehearsalLines } from './rehearsal-lines.ts';

/** The last words about a run. */
export interface OutcomeSummary {
  /** The outcome in a word or two, which the headline begins with. */
  readonly label: string;
  /** One sentence or two. */
  readonly headline: string;
  /** Why, what changed, and where to go from here. Already indented. */
  readonly details: readonly string[];
}

/** What may be said at the end of a run: never more than its events have shown. */
export function summarizeOutcome(outcome: Outcome, facts: RunFacts): OutcomeSummary {
  const { label, message } = headlineOf(outcome, facts);
  return {
    label,
    headline: `${label}: ${message}`,
    details: [
      ...refusalLines(outcome),
      ...failureLines(outcome, facts),
      ...reasonLines(outcome, facts),
      ...unitLogLines(outcome, facts),
      ...changedLines(outcome, facts.changes),
      ...coverageLines(outcome, facts),
      ...rehearsalLines(facts),
      ...lossLines(outcome, facts),
      ...evidenceLines(facts),
      ...nextLines(outcome, facts),
    ],
  };
}

function confirmCommand(facts: RunFacts): string {
  return shellWords(['guard', 'confirm', ...addressOf(facts)]);
}

/** The same as lines, for `guard show`. */
export function outcomeSummaryLines(outcome: Outcome, facts: RunFacts): string[] {
  const { headline, details } = summarizeOutcome(outcome, facts);
  return [headline, ...details];
}

function headlineOf(outcome: Outcome, facts: RunFacts): { label: string; message: string } {
  const name = facts.instance ?? 'the instance';
  switch (outcome.outcome) {
    case 'kept':
      return { label: 'kept', message: describeKept(name, facts) };
    case 'rolled-back':
      return {
        label: rollbackLabel(facts),
        message: `${describeCause(outcome.cause, facts)}. ${describeRollback(name, facts)}`,
      };
    case 'interrupted':
      return describeInterruption(outcome.signal, name, facts);
    case 'kept-unhealthy':
      return {
        label: 'kept, unhealthy',
        message: `${describeCause(outcome.cause, facts)}. ${describeKeptUnhealthy(name, facts)}`,
      };
    case 'kept-unchanged':
      return {
        label: 'kept, nothing changed',
        message: `${describeCause(outcome.cause, facts)}. Nothing that guard compares had changed, so ${name} was not restarted.`,
      };
    case 'rolled-back-not-well':
      return {
        label: 'restored, but unhealthy',
        message: `${describeCause(outcome.cause, facts)}. ${name} was restored, but ${describeFailedProof(facts.verdictAgain)}. A person must act.`,
      };
    case 'rollback-failed':
      return {
        label: 'ROLLBACK FAILED',
        message: `${describeCause(outcome.cause, facts)}, and ${name} could not be restored.`,
      };
    case 'waiting':
      return { label: 'waiting', message: describeWaiting(facts.deadline ?? outcome.deadline, name) };
    case 'instance-gone':
      return {
        label: 'instance gone',
        message: `${name} does not exist any more, so nothing is left to recover. Its record is closed.`,
      };
    case 'rehearsal-passed':
    case 'rehearsal-failed':
    case 'rehearsal-inconclusive':
      return rehearsalHeadline(outcome, name, facts, describeCause);
    case 'refused':
    case 'busy':
    case 'quarantined':
    case 'usage':
    case 'configuration':
      return { label: outcome.outcome, message: describeRefusal(outcome.refusal, facts) };
  }
}

function describeKept(name: string, facts: RunFacts): string {
  const { end, verdict, wasRunning, begun } = facts;
  // `guard rollback`: the change was a rollback, which has been verified.
  if (verdict === null && begun.includes('restore') && isVerified(facts))
    return `rolled back at your request. ${describeRollback(name, facts)}`;
  if (facts.confirmation === 'confirmed') return `the change was confirmed. ${name} was healthy when the wait began.`;
  if (end === null || verdict === null) return describeUnseen(name, facts);
  // Only a package manager's transaction that changed nothing is kept although its end was not observed.
  if (end.kind === 'lost') return `it changed nothing, and ${name} ${describeHealth(verdict, wasRunning)}.`;
  if (facts.provesNothing)
    return `${describeSuccess(end)}. Nothing was compared and no check was run, so the health of ${name} is unknown.`;
  if (facts.chosen === 'keep')
    return `you kept the changes of the shell, and ${name} ${describeHealth(verdict, wasRunning)}.`;
  return `${describeSuccess(end)} and ${name} ${describeHealth(verdict, wasRunning)}.`;
}

/** A recovery has seen no more than the record; on another host there is none. */
function describeUnseen(name: string, { decided }: RunFacts): string {
  return decided
    ? `the change is kept, as decided before the interruption. guard did not check ${name} again.`
    : `${name} was left as it is. This host has no record of the run, so guard does not know whether the change was made or already undone.`;
}

function describeWaiting(deadline: number, name: string): string {
  return `${name} is healthy after the change. guard rolls the change back at ${formatTime(deadline)} unless it is confirmed.`;
}

function describeSuccess(end: CommandEnd): string {
  if (end.kind !== 'exited') return `the command ${describeCommandEnd(end)}`;
  if (end.status === 0) return 'the command succeeded';
  return `the command ${describeCommandEnd(end)}, which counts as success,`;
}

/** A check that failed before and fails now does not decide; then the instance is not simply healthy. */
function describeHealth({ checks }: Verdict, wasRunning: boolean): string {
  const failing = checks.filter(({ severity, status }) => severity === 'required' && status !== 'passed');
  const verb = wasRunning ? 'is' : 'was';
  if (failing.length === 0) return wasRunning ? 'is healthy' : 'was healthy when guard checked it';
  const names = failing.map((check) => neutralise(check.name));
  return `${verb} no worse than before, but not fully healthy: ${bounded(names, 5)}`;
}

/** Why, to be read after a colon. */
function describeCause(cause: Cause, { end, verdict, chosen, confirmation }: RunFacts): string {
  if (chosen === 'rollback') return 'you chose to roll back';
  switch (cause) {
    case 'command':
      return end ? `the command ${describeCommandEnd(end)}` : 'the command failed';
    case 'timeout':
      if (verdict !== null) return 'no check answered in time';
      return end ? `the command ${describeCommandEnd(end)}` : 'the command ran out of time';
    case 'unhealthy':
      return 'the instance was not healthy after the command';
    case 'inconclusive':
      return verdict === null
        ? 'guard was interrupted, so the result of the command is unknown'
        : 'the health of the instance could not be determined in time';
    case 'interrupted':
      return 'the run was interrupted';
    case 'not-confirmed':
      return confirmation === 'refused' ? 'the change was refused' : 'nobody confirmed the change in time';
  }
}

function isVerified({ verdictAgain }: RunFacts): boolean {
  return verdictAgain?.verdict === 'healthy';
}

/** "Rolled back" only when it was seen that the baseline holds again. */
function rollbackLabel(facts: RunFacts): string {
  return isVerified(facts) ? 'rolled back' : 'restored';
}

function describeRollback(name: string, facts: RunFacts): string {
  if (!isVerified(facts)) return `${name} was restored. guard did not check its health.`;
  return facts.wasRunning
    ? `${name} is back and healthy.`
    : `${name} is back, and was healthy when it was started for the check.`;
}

function describeInterruption(signal: string, name: string, facts: RunFacts): { label: string; message: string } {
  const label = `interrupted by ${signal}`;
  if (commandBegan(facts)) return { label, message: `${rollbackLabel(facts)}. ${describeRollback(name, facts)}` };
  return { label, message: `the command had not started. ${describeUnchanged(facts)}` };
}

function commandBegan({ begun, end }: RunFacts): boolean {
  return begun.includes('command') || begun.includes('push') || end !== null;
}

/** A stopped instance is started to be asked, which is not nothing. */
function describeUnchanged({ begun, instance, readOnly }: RunFacts): string {
  if (readOnly) return '';
  return begun.includes('start')
    ? `${instance ?? 'The instance'} was only started for its baseline. Nothing else was changed.`
    : 'Nothing was changed.';
}

function describeKeptUnhealthy(name: string, { verdict, chosen }: RunFacts): string {
  const reason = chosen === 'keep' ? 'You chose to keep the change.' : 'The change is kept by your policy.';
  return verdict === null ? `${reason} guard did not check ${name} after it.` : reason;
}

function describeFailedProof(verdictAgain: Verdict | null): string {
  switch (verdictAgain?.verdict) {
    case 'unhealthy':
      return 'it is not as healthy as before the run';
    case 'inconclusive':
      return 'its health could not be determined';
    case 'healthy':
    case undefined:
      return 'its health is not verified';
  }
}

/** What takes more than a line follows the headline as it is: places in a file, with the line and a caret. */
function isLong({ message }: Refusal): boolean {
  return message.includes('\n');
}

/** Above the places in files, each with its line and a caret. */
const placesHeadline = 'The configuration has mistakes.';

function describeRefusal(refusal: Refusal, facts: RunFacts): string {
  const said = isLong(refusal) ? placesHeadline : neutralise(refusal.message, 2000);
  if (/nothing was changed/i.test(said)) return said;
  return `${said} ${describeUnchanged(facts)}`.trim();
}

function refusalLines(outcome: Outcome): string[] {
  if (!('refusal' in outcome)) return [];
  const { refusal } = outcome;
  if (isLong(refusal)) return safeLines(refusal.message, 200);
  return refusal.advice === '' ? [] : safeLines(refusal.advice).map(indented);
}

function failureLines(outcome: Outcome, facts: RunFacts): string[] {
  if (outcome.outcome !== 'rollback-failed') return [];
  const recover = neutralise(shellWords(['guard', 'recover', ...addressOf(facts)]), 2000);
  const message = safeLines(outcome.message).map(indented);
  if (outcome.manualRecovery.length === 0) return [...message, `  To let guard check it again: ${recover}`];
  return [
    ...message,
    '  To finish it manually:',
    ...outcome.manualRecovery.map((command) => `    ${neutralise(command, 4000)}`),
    `  Or let guard try again: ${recover}`,
  ];
}

/** What the verdict found and what the failed units wrote, for a question about it. */
export function findingLines({ verdict, unitLogs }: RunFacts): string[] {
  return verdict === null ? [] : [...verdictLines(verdict), ...logLines(unitLogs)].map((line) => line.slice(2));
}

const mostReasons = 20;

function reasonLines(outcome: Outcome, facts: RunFacts): string[] {
  const verdict = outcome.outcome === 'rolled-back-not-well' ? facts.verdictAgain : facts.verdict;
  return verdict === null || 'refusal' in outcome ? [] : verdictLines(verdict);
}

function verdictLines(verdict: Verdict): string[] {
  const lines = [
    ...verdict.reasons.map((finding) => `  ✖ ${neutralise(finding.message)}`),
    ...verdict.advisories.map((finding) => `  · ${neutralise(finding.message)}`),
  ];
  const rest = lines.length - mostReasons;
  return rest > 0 ? [...lines.slice(0, mostReasons), `  · and ${rest} more`] : lines;
}

function changedLines(outcome: Outcome, changes: Changes | null): string[] {
  if (changes === null || 'refusal' in outcome) return [];
  return changeLines(changes, isKept(outcome) ? '' : 'had ').map(indented);
}

/** The change stays, so that a way back is worth something. */
function isKept({ outcome }: Outcome): boolean {
  return outcome === 'kept' || outcome === 'kept-unhealthy' || outcome === 'kept-unchanged';
}

/** A verdict is worth no more than what it rests on. */
function coverageLines(outcome: Outcome, { coverage }: RunFacts): string[] {
  if (coverage === null || coverage.missing.length === 0 || 'refusal' in outcome) return [];
  return [`  ${coverageText(coverage)}`];
}

/** What a failed unit wrote last. */
function unitLogLines(outcome: Outcome, { unitLogs }: RunFacts): string[] {
  if ('refusal' in outcome || outcome.outcome === 'kept') return [];
  return logLines(unitLogs);
}

function logLines(unitLogs: RunFacts['unitLogs']): string[] {
  return unitLogs.flatMap(({ unit, lines }) => [
    `  last log lines of ${neutralise(unit)}:`,
    ...lines.map((line) => `  › ${neutralise(line)}`),
  ]);
}

function evidenceLines({ evidence, run }: RunFacts): string[] {
  if (evidence === null) return [];
  const { files, missing } = evidence;
  return [
    files.length > 0
      ? `  evidence: ${files.length} ${files.length === 1 ? 'file' : 'files'}, listed by guard show ${run}`
      : null,
    missing.length > 0 ? `  evidence that could not be saved: ${neutralise(bounded(missing, 5), 2000)}` : null,
  ].filter((line) => line !== null);
}

function nextLines(outcome: Outcome, facts: RunFacts): string[] {
  const { restorePoint, run } = facts;
  return [
    ...(restorePoint === null ? [] : [`  restore point: ${neutralise(restorePoint)}`]),
    ...(restorePoint !== null && isKept(outcome) ? rollbackCommand(facts) : []),
    ...(outcome.outcome === 'waiting' ? waitingCommands(facts) : []),
    ...(facts.recorded ? [`  record: guard show ${run}`] : []),
  ];
}

/** A change that waited was at work: clients have written meanwhile. */
function lossLines(outcome: Outcome, { deadline, pointAt, stoppedAt }: RunFacts): string[] {
  const isBack = outcome.outcome === 'rolled-back' || outcome.outcome === 'rolled-back-not-well';
  if (!isBack || deadline === null || pointAt === null || stoppedAt === null) return [];
  return [
    `  lost: what was written between ${formatTime(pointAt)} and ${formatTime(stoppedAt)} (${formatDuration(stoppedAt - pointAt)})`,
  ];
}

/** How to settle a change that waits, and what is at stake. */
export function waitingCommands(facts: RunFacts): string[] {
  return [
    `  keep the change: ${neutralise(confirmCommand(facts), 2000)}`,
    `  roll it back now: ${neutralise(shellWords(['guard', 'rollback', ...addressOf(facts)]), 2000)}`,
    `  lost in a rollback: what was written since ${facts.pointAt === null ? 'the restore point' : formatTime(facts.pointAt)}`,
  ];
}

/** The command for a later rollback, with volumes and verification like the rollback of this run. */
function rollbackCommand(facts: RunFacts): string[] {
  const words = ['guard', 'rollback', ...addressOf(facts), facts.run];
  return [`  to roll back: ${neutralise(shellWords(words), 2000)}`];
}

/** The words that name the run's instance for another command of guard; none where it is not known. */
export function addressOf({ instance, project, remote }: RunFacts): string[] {
  return instance === null
    ? []
    : [...(project === 'default' ? [] : ['--project', project]), remote === null ? instance : `${remote}:${instance}`];
}

function indented(line: string): string {
  return `  ${line}`;
}
