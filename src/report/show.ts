import { sayDuration } from '../duration.ts';
import type { CheckResult, Recorded } from '../event.ts';
import type { RunRecord } from '../journal/runs.ts';
import { exitStatusOf, outcomeName } from '../run/outcome.ts';
import { neutralise, shellWords } from '../text.ts';
import { closingLines } from './closing.ts';
import { noFacts, withEvent } from './run-facts.ts';
import { phaseTitles, sayCommandEnd } from './sentences.ts';

/** Everything about one run, for `guard show`: who, what, when, the timeline, the checks, how it ended, where its files are. */
export const showRun = (record: RunRecord): string =>
  [...headLines(record), '', 'Timeline', ...timeline(record), ...checkLines(record), ...endLines(record)].join('\n');

const headLines = ({ run, started, directory }: RunRecord): string[] => [
  `Run        ${run}`,
  ...(started
    ? [
        `Instance   ${started.remote === null ? '' : `${started.remote}:`}${started.instance} (project ${started.project})`,
        `Command    ${neutralise(shellWords(started.command), 2000)}`,
        `Started    ${new Date(started.at).toISOString()} on ${started.holder.host}, pid ${started.holder.pid}, guard ${started.version}`,
      ]
    : []),
  `Record     ${directory}`,
];

const timeline = ({ events }: RunRecord): string[] => {
  const began = events[0]?.at ?? 0;
  return events.flatMap((event) =>
    sayEvent(event).map((text) => `  ${`+${sayDuration(Math.max(0, event.at - began))}`.padStart(14)}  ${text}`),
  );
};

const sayEvent = (event: Recorded): string[] => {
  switch (event.type) {
    case 'phase-ended':
      return [
        `${event.ok ? '✔' : '✖'} ${phaseTitles[event.phase]}: ${neutralise(event.says)} (${sayDuration(event.ms)})`,
      ];
    case 'notice':
      return [`${event.level === 'warning' ? '!' : '·'} ${neutralise(event.says, 2000)}`];
    case 'command-ended':
      return [`· the command ${sayCommandEnd(event.end)}`];
    case 'decided':
      return [`· decided: ${event.decision}${event.cause === null ? '' : ` (${event.cause})`}`];
    case 'verdict':
      return event.verdict.reasons.map((reason) => `✗ ${neutralise(reason.says)}`);
    case 'released':
      return [
        event.restorePoint === null ? '· restore point removed' : `· restore point kept as ${event.restorePoint}`,
      ];
    case 'evidence-saved':
      return event.files.map((file) => `· evidence: ${file}`);
    case 'restore-point-pruned':
      return [`· older restore point ${event.name} (run ${event.ofRun}) removed`];
    default:
      return [];
  }
};

const checkLines = ({ events }: RunRecord): string[] => {
  const before = events.find((event) => event.type === 'baseline-taken')?.baseline.checks ?? [];
  const after = events.findLast((event) => event.type === 'verdict')?.verdict.checks ?? [];
  if (before.length + after.length === 0) return [];
  return [
    '',
    'Checks',
    ...before.map((check) => sayCheck('before', check)),
    ...after.map((check) => sayCheck('after', check)),
  ];
};

const sayCheck = (when: string, check: CheckResult): string =>
  `  ${when.padEnd(6)}  ${check.answer.padEnd(9)}  ${neutralise(check.name)}: ${neutralise(check.says)} (${sayDuration(check.ms)})`;

const endLines = (record: RunRecord): string[] => {
  if (record.ended === null)
    return ['', 'This run has not ended: it is under way, or it was interrupted (`guard recover`).'];
  const { outcome } = record.ended;
  const facts = { ...record.events.reduce(withEvent, noFacts(record.run)), recorded: false };
  return [
    '',
    `Outcome    ${outcomeName(outcome)} (exit status ${exitStatusOf(outcome)})`,
    ...closingLines(outcome, facts),
  ];
};
