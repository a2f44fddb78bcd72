import type { Writable } from 'node:stream';
import { sayDuration } from '../duration.ts';
import type { Recorded } from '../event.ts';
import { neutralise } from '../text.ts';
import { closingLines, noFacts, phaseTitles, withEvent, type RunFacts } from './sentences.ts';

/** One line for each thing worth saying, for logs and pipes. `quiet` leaves only warnings and bad ends. */
export const createPlainView = (stderr: Writable, quiet: boolean): ((event: Recorded) => void) => {
  let facts: RunFacts | null = null;
  const say = (line: string): void => {
    stderr.write(`guard: ${line}\n`);
  };
  return (event) => {
    facts = withEvent(facts ?? noFacts(event.run), event);
    for (const line of linesOf(event, facts, quiet)) say(line);
  };
};

const linesOf = (event: Recorded, facts: RunFacts, quiet: boolean): string[] => {
  switch (event.type) {
    case 'notice':
      return quiet && event.level === 'info' ? [] : [neutralise(event.says, 2000)];
    case 'phase-ended':
      return quiet || event.phase === 'inspect'
        ? []
        : [`${phaseTitles[event.phase]}: ${neutralise(event.says)} (${sayDuration(event.ms)})`];
    case 'run-ended':
      return quiet && event.outcome.outcome === 'kept' ? [] : closingLines(event.outcome, facts);
    default:
      return [];
  }
};
