import { styleText } from 'node:util';
import type { Writable } from 'node:stream';
import { formatDuration } from '../duration.ts';
import type { Outcome, RecordedEvent } from '../event.ts';
import { isGood } from '../run/outcome.ts';
import { neutralise } from '../text.ts';
import { summarizeOutcome, waitingCommands } from './outcome-summary.ts';
import { formatTime } from '../time.ts';
import { noFacts, withEvent, type RunFacts } from './run-facts.ts';
import { outcomeColours } from './run-state.ts';
import { phaseTitles, safeLines } from './format.ts';
import { wrapped } from './wrap.ts';

/** A stream that may be a terminal. */
interface Screen extends Writable {
  readonly columns?: number;
  /** A terminal's own: obeys NO_COLOR, FORCE_COLOR and TERM. */
  readonly hasColors?: (count: number) => boolean;
}

/**
 * One line for each thing worth saying, for logs and pipes. `quiet` leaves only warnings and bad ends. `history` are the
 * events of an interrupted run that is taken up again: the closing words know them, and they are not said once more.
 */
export function createPlainView(
  stderr: Screen,
  quiet: boolean,
  history: readonly RecordedEvent[] = [],
  readOnly = false,
): (event: RecordedEvent) => void {
  let facts: RunFacts | null = null;
  return (event) => {
    facts = withEvent(facts ?? history.reduce(withEvent, { ...noFacts(event.run), readOnly }), event);
    const lines = linesOf(event, facts, quiet, stderr);
    if (lines.length > 0) stderr.write(lines.map((line) => `${line}\n`).join(''));
  };
}

function linesOf(event: RecordedEvent, facts: RunFacts, quiet: boolean, screen: Screen): string[] {
  switch (event.type) {
    case 'notice':
      return quiet && event.level === 'info' ? [] : block(safeLines(event.message), screen);
    case 'phase-ended':
      return quiet || event.phase === 'inspect' ? [] : block([describePhase(event)], screen);
    case 'phase-started':
      return quiet || event.phase !== 'confirm' ? [] : waitingBlock(facts, screen);
    case 'confirmation-extended':
      return quiet ? [] : block([`The change now waits until ${formatTime(event.deadline.at)}.`], screen);
    case 'run-ended':
      return quiet && isGood(event.outcome) ? [] : closingBlock(event.outcome, facts, screen);
    default:
      return [];
  }
}

/** A guard that goes on waiting says the same as one that leaves: until when, and how to settle it from elsewhere. */
function waitingBlock(facts: RunFacts, screen: Screen): string[] {
  const { deadline } = facts;
  if (deadline === null) return [];
  const { headline } = summarizeOutcome({ outcome: 'waiting', deadline }, facts);
  return [
    ...wrapped(`guard: ${headline}`, screen.columns),
    ...waitingCommands(facts).flatMap((line) => wrapped(line, screen.columns)),
  ];
}

function describePhase({ phase, message, ok, ms }: Extract<RecordedEvent, { type: 'phase-ended' }>): string {
  return `${ok ? '' : '✖ '}${phaseTitles[phase]}: ${neutralise(message)} (${formatDuration(ms)})`;
}

/** The first line tells who speaks; the rest stands below it. */
function block([first = '', ...rest]: readonly string[], { columns }: Screen): string[] {
  return [...wrapped(`guard: ${first}`, columns), ...rest.flatMap((line) => wrapped(`  ${line}`, columns))];
}

function closingBlock(outcome: Outcome, facts: RunFacts, screen: Screen): string[] {
  const { label, headline, details } = summarizeOutcome(outcome, facts);
  const [first = '', ...rest] = wrapped(`guard: ${headline}`, screen.columns);
  const line = screen.hasColors?.(16) === true ? first.replace(label, coloured(outcome, label)) : first;
  return [line, ...rest, ...details.flatMap((detail) => wrapped(detail, screen.columns))];
}

// Later versions of Node would look at stdout, which is the command's.
function coloured({ outcome }: Outcome, label: string): string {
  return styleText(['bold', outcomeColours[outcome]], label, { validateStream: false });
}
