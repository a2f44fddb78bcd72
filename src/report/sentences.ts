import { sayDuration } from '../duration.ts';
import type { Cause, Changes, CommandEnd, Finding, Outcome, Phase, Recorded, Verdict } from '../event.ts';
import { neutralise } from '../text.ts';

/** What a phase is called. */
export const phaseTitles: Readonly<Record<Phase, string>> = {
  inspect: 'Inspect',
  baseline: 'Baseline',
  'restore-point': 'Restore point',
  command: 'Command',
  verify: 'Verify',
  keep: 'Keep',
  evidence: 'Evidence',
  stop: 'Stop',
  restore: 'Restore',
  start: 'Start',
  'verify-again': 'Verify again',
};

/** How the command ended, to be read after "the command". */
export const sayCommandEnd = (end: CommandEnd): string => {
  switch (end.kind) {
    case 'exited':
      return `ended with exit status ${end.status}`;
    case 'not-found':
      return 'was not found (127)';
    case 'not-executable':
      return 'could not be executed (126)';
    case 'timeout':
      return `ran longer than ${sayDuration(end.limitMs)}`;
    case 'idle-timeout':
      return `said nothing for ${sayDuration(end.limitMs)}`;
    case 'instance-stopped':
      return end.restarted ? 'restarted the instance' : 'was cut off: the instance was stopped underneath it';
    case 'lost':
      return `was lost from sight: ${neutralise(end.says)}`;
    case 'interrupted':
      return `was interrupted by ${end.signal}`;
  }
};

/** Why, to be read after a colon. */
const sayCause = (cause: Cause, facts: RunFacts): string => {
  switch (cause) {
    case 'command':
    case 'timeout':
      return facts.end ? `the command ${sayCommandEnd(facts.end)}` : 'the command failed';
    case 'unhealthy':
      return 'the instance was not healthy after the command';
    case 'inconclusive':
      return 'whether the instance is healthy could not be found out in time';
    case 'interrupted':
      return 'it was interrupted';
  }
};

/** What the events of a run have told so far: all that its closing words may say. */
export interface RunFacts {
  readonly run: string;
  readonly instance: string | null;
  readonly end: CommandEnd | null;
  readonly verdict: Verdict | null;
  readonly verdictAgain: Verdict | null;
  readonly changes: Changes | null;
  readonly restorePoint: string | null;
  readonly recorded: boolean;
}

export const noFacts = (run: string): RunFacts => ({
  run,
  instance: null,
  end: null,
  verdict: null,
  verdictAgain: null,
  changes: null,
  restorePoint: null,
  recorded: false,
});

/** The facts after one more event. */
export const withEvent = (facts: RunFacts, event: Recorded): RunFacts => {
  switch (event.type) {
    case 'run-started':
      return { ...facts, instance: event.instance, recorded: true };
    case 'command-ended':
      return { ...facts, end: event.end };
    case 'verdict':
      return event.again ? { ...facts, verdictAgain: event.verdict } : { ...facts, verdict: event.verdict };
    case 'changes':
      return { ...facts, changes: event.changes };
    case 'released':
      return { ...facts, restorePoint: event.restorePoint };
    default:
      return facts;
  }
};

/** The closing words: the outcome first, then why, what changed, and where to go from here. One line each. */
export const closingLines = (outcome: Outcome, facts: RunFacts): string[] => [
  headline(outcome, facts),
  ...reasonLines(outcome, facts),
  ...changeLines(outcome, facts),
  ...nextLines(outcome, facts),
];

const headline = (outcome: Outcome, facts: RunFacts): string => {
  const name = facts.instance ?? 'the instance';
  switch (outcome.outcome) {
    case 'kept':
      return `kept: the command succeeded and ${name} is healthy.`;
    case 'rolled-back':
      return `rolled back: ${sayCause(outcome.cause, facts)}. ${name} is back and healthy.`;
    case 'interrupted':
      return facts.end === null
        ? `interrupted by ${outcome.signal} before the command began; nothing was changed.`
        : `interrupted by ${outcome.signal}, rolled back: ${name} is back and healthy.`;
    case 'kept-unhealthy':
      return `kept, unhealthy: ${sayCause(outcome.cause, facts)}; kept because the policy says so.`;
    case 'rolled-back-not-well':
      return `restored, but not well: ${sayCause(outcome.cause, facts)}. ${name} was restored and started, and its baseline does not hold. A person must look.`;
    case 'rollback-failed':
      return `ROLLBACK FAILED: ${sayCause(outcome.cause, facts)}, and ${name} could not be brought back. ${neutralise(outcome.says)}`;
    case 'refused':
    case 'busy':
    case 'quarantined':
    case 'usage':
    case 'configuration':
      return `${outcome.outcome}: ${outcome.refusal.says} Nothing was changed.`;
  }
};

const reasonLines = (outcome: Outcome, facts: RunFacts): string[] => {
  const verdict = outcome.outcome === 'rolled-back-not-well' ? facts.verdictAgain : facts.verdict;
  return [...(verdict?.reasons ?? []).map(sayFinding), ...(verdict?.advisories ?? []).map(sayAdvisory)].slice(0, 20);
};

const sayFinding = (finding: Finding): string => `  ✗ ${neutralise(finding.says)}`;
const sayAdvisory = (finding: Finding): string => `  · ${neutralise(finding.says)}`;

const mostPackages = 10;

const changeLines = (outcome: Outcome, { changes }: RunFacts): string[] => {
  if (changes === null) return [];
  const did = outcome.outcome.startsWith('kept') ? 'changed' : 'had changed';
  const { packages } = changes;
  if (packages.length === 0) return [`  no package ${did}`];
  const shown = packages.slice(0, mostPackages).map(({ name, from, to }) => {
    if (from === null) return `${name} ${to} (new)`;
    return to === null ? `${name} ${from} (removed)` : `${name} ${from} → ${to}`;
  });
  const rest = packages.length - shown.length;
  return [`  packages ${did}: ${neutralise(shown.join(', '))}${rest > 0 ? `, and ${rest} more` : ''}`];
};

const nextLines = (outcome: Outcome, facts: RunFacts): string[] => {
  const lines: string[] = [];
  if ('refusal' in outcome && outcome.refusal.advice !== '') lines.push(`  ${outcome.refusal.advice}`);
  if (outcome.outcome === 'rollback-failed') {
    lines.push('  Finish it by hand:', ...outcome.byHand.map((command) => `    ${command}`));
    lines.push('  or let guard try again: guard recover');
  }
  if (facts.restorePoint !== null) lines.push(`  restore point: ${facts.restorePoint}`);
  if (facts.recorded) lines.push(`  record: guard show ${facts.run}`);
  return lines;
};
