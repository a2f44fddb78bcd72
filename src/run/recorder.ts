import type { Clock } from '../clock.ts';
import type { Listener, Phase, RecordedEvent, RunEvent, RunStarted } from '../event.ts';
import { err, type Result } from '../result.ts';

/** Where a run's events become durable: `journal/` is the one behind it. */
export interface EventStore {
  /** Resolves when the event is as durable as its type asks for; a failure is one sentence. */
  readonly append: (event: RecordedEvent) => Promise<Result<void, string>>;
  /** Keeps a file of evidence with the record, whole or not at all; gives its path. */
  readonly saveEvidence: (name: string, content: string | Uint8Array) => Promise<Result<string, string>>;
  readonly close: () => Promise<void>;
}

/** Tells events to the views and the journal, in this order of promises: durable first, shown second. */
export interface Recorder {
  readonly run: string;
  /** Opens the journal with the run's first durable event. */
  readonly begin: (started: RunStarted) => Promise<void>;
  /** Opens the journal of a run that began before, to go on with it. */
  readonly resume: () => Promise<void>;
  readonly record: (event: RunEvent) => Promise<void>;
  /** Tells the views alone: progress and output, which no journal keeps. */
  readonly show: (event: RunEvent) => void | Promise<void>;
  /** Keeps a file of evidence with the run's record; gives its path, or why not. */
  readonly saveEvidence: EventStore['saveEvidence'];
  /** Why the journal cannot be written, or null. Before the command that refuses the run; later it is only told. */
  readonly failure: () => string | null;
  /** Lets go of the journal, for a process that outlives its runs. */
  readonly close: () => Promise<void>;
}

/** A recorder whose journal starts with `begin`: what is refused before that leaves no record. */
export function createRecorder(options: {
  readonly run: string;
  readonly clock: Clock;
  readonly listener: Listener;
  readonly openStore: () => Promise<Result<EventStore, string>>;
}): Recorder {
  let store: EventStore | null = null;
  let failure: string | null = null;

  let viewFailed = false;
  // A view that fails is a bug of guard's. It must not leave an instance half put back, so the run goes on.
  async function tell(event: RecordedEvent): Promise<void> {
    try {
      await options.listener(event);
    } catch (bug) {
      if (viewFailed) return;
      viewFailed = true;
      await record({
        type: 'notice',
        level: 'warning',
        message: `A bug in guard: ${event.type} was not shown: ${String(bug)}`,
      });
    }
  }
  const show = (event: RunEvent): Promise<void> => tell(stamped(event));
  const stamped = (event: RunEvent): RecordedEvent => ({ ...event, v: 1, run: options.run, at: options.clock.now() });
  function fail(message: string): void {
    if (failure !== null) return;
    failure = message;
    void show({ type: 'notice', level: 'warning', message: `The run's record cannot be written: ${message}` });
  }
  async function record(event: RunEvent): Promise<void> {
    const recorded = stamped(event);
    const written = await store?.append(recorded);
    await tell(recorded);
    if (written && !written.ok) fail(written.error);
  }

  async function resume(): Promise<void> {
    const opened = await options.openStore();
    if (opened.ok) store = opened.value;
    else fail(opened.error);
  }

  return {
    run: options.run,
    show,
    record,
    saveEvidence: async (name, content) =>
      store === null ? err('there is no record of this run') : store.saveEvidence(name, content),
    failure: () => failure,
    close: async () => store?.close(),
    resume,
    begin: async (started) => {
      await resume();
      await record(started);
    },
  };
}

/** What a phase came to, in a few words for a person. */
interface PhaseResult {
  readonly ok: boolean;
  readonly message: string;
}

/** Does one phase's work between its two events; the first is durable before the work begins. */
export async function inPhase<T>(
  tools: { readonly recorder: Recorder; readonly clock: Clock },
  phase: Phase,
  work: () => Promise<T>,
  summary: (value: T) => PhaseResult,
): Promise<T> {
  await tools.recorder.record({ type: 'phase-started', phase });
  const began = tools.clock.monotonic();
  const value = await work();
  await tools.recorder.record({
    type: 'phase-ended',
    phase,
    ms: tools.clock.monotonic() - began,
    ...summary(value),
  });
  return value;
}
