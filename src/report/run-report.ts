import type { Outcome, RecordedEvent } from '../event.ts';
import { foldEvents, type RunRecord } from '../journal/runs.ts';
import { noFacts, withEvent, type RunFacts } from './run-facts.ts';

/** What was asked for, before anything is known of it. */
export interface Target {
  /** As it was written: `name` or `remote:name`. */
  readonly instance: string;
  readonly command: readonly string[];
  /** It is about a copy of the instance; the instance itself may have a story of its own. */
  readonly rehearsal?: true;
}

/** One run, as far as its events show: the data of reports. */
export interface RunReport {
  readonly target: Target;
  /** `under-way`: its end has not been seen. */
  readonly state: 'not-started' | 'under-way' | 'ended';
  /** How it ended, or that its change waits for a confirmation, while guard may still run; null before. */
  readonly outcome: Outcome | null;
  /** Without a folder: it is what this process has seen. */
  readonly record: RunRecord;
  readonly facts: RunFacts;
  /** The end of what the command wrote, both streams as they came. */
  readonly output: string;
  /** The bug that ended guard in the middle of it; null elsewhere. */
  readonly internalError: string | null;
}

/** Listens to one run, and tells its story at any moment. */
export interface RunReportBuilder {
  readonly listener: (event: RecordedEvent) => void;
  readonly begin: () => void;
  readonly breakOff: (internalError: string) => void;
  readonly report: () => RunReport;
}

/** `history` are the events of an interrupted run that is taken up again. */
export function createRunReportBuilder(target: Target, history: readonly RecordedEvent[] = []): RunReportBuilder {
  const events: RecordedEvent[] = [...history];
  const tail = createTail();
  let begun = history.length > 0;
  let internalError: string | null = null;
  return {
    begin: () => {
      begun = true;
    },
    breakOff: (message) => {
      internalError = message;
    },
    listener: (event) => {
      begun = true;
      if (event.type === 'command-output') tail.add(event.chunk);
      else events.push(event);
    },
    report: () => {
      const run = events[0]?.run ?? '';
      const facts = events.reduce(withEvent, noFacts(run));
      const hasEnded = events.at(-1)?.type === 'run-ended';
      const folded = foldEvents(run, '', events);
      // An end after which more happened (an interrupted run that was taken up again) is none.
      const record = hasEnded ? folded : { ...folded, ended: null };
      const state = hasEnded ? 'ended' : begun ? 'under-way' : 'not-started';
      return {
        target,
        state,
        outcome: outcomeSoFar(record),
        record,
        facts: { ...facts, instance: facts.instance ?? (target.instance || null) },
        output: tail.text(),
        internalError,
      };
    },
  };
}

/** The report of a recorded run, for `guard show`. What the command wrote is not in the record. */
export function reportOfRecord(record: RunRecord): RunReport {
  const { started } = record;
  const instance =
    started === null ? '' : started.remote === null ? started.instance : `${started.remote}:${started.instance}`;
  const target: Target = {
    instance,
    command: started?.command ?? [],
    ...(started?.rehearsal === undefined ? {} : { rehearsal: true }),
  };
  const builder = createRunReportBuilder(target, record.events);
  return { ...builder.report(), outcome: outcomeSoFar(record), record };
}

/** The deadline is the present one: it may have been moved since the guard that made the change has ended. */
function outcomeSoFar({ ended, decided, events, confirmationDeadline }: RunRecord): Outcome | null {
  if (ended !== null && ended.outcome.outcome !== 'waiting') return ended.outcome;
  const isSettled = decided !== null || events.some(({ type }) => type === 'confirmation-settled');
  const isWaiting = confirmationDeadline !== null && (ended !== null || !isSettled);
  return isWaiting ? { outcome: 'waiting', deadline: confirmationDeadline.at } : (ended?.outcome ?? null);
}

/** Bytes of output that a report holds. */
const tailBytes = 16 * 1024;

function createTail() {
  let bytes = Buffer.alloc(0);
  return {
    add: (chunk: Uint8Array): void => {
      const end = chunk.subarray(-tailBytes);
      bytes = Buffer.concat([bytes.subarray(-Math.max(1, tailBytes - end.length)), end]).subarray(-tailBytes);
    },
    text: (): string => bytes.toString('utf8'),
  };
}
