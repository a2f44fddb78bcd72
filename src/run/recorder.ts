import type { Clock } from '../clock.ts';
import type { Listener, Phase, RecordedEvent, RunEvent, RunStarted } from '../event.ts';
import { err, ok, type Result } from '../result.ts';

/** Makes the events of a run durable. `journal/` implements it. */
export interface EventStore {
  /** Resolves when the event is as durable as its type requires. A failure is one sentence. */
  readonly append: (event: RecordedEvent) => Promise<Result<void, string>>;
  /** Saves a file of evidence with the record, completely or not at all. Returns its path. */
  readonly saveEvidence: (name: string, content: string | Uint8Array) => Promise<Result<string, string>>;
  readonly close: () => Promise<void>;
}

/** Passes events to the journal and then to the views: an event is durable before it is shown. */
export interface Recorder {
  readonly run: string;
  /** Opens the journal with the first durable event of the run. If that fails, `writable` says why and the run must be refused. */
  readonly begin: (started: RunStarted) => Promise<void>;
  /** Opens the journal of an interrupted run to continue it. */
  readonly resume: () => Promise<void>;
  readonly record: (event: RunEvent) => Promise<void>;
  /** Passes progress and output to the views only. */
  readonly show: (event: RunEvent) => void | Promise<void>;
  /** Saves a file of evidence with the record of the run. Returns its path or the reason of the failure. */
  readonly saveEvidence: EventStore['saveEvidence'];
  /** Whether the journal could be written so far; the error says why not. Before the command this refuses the run, later it is only reported. */
  readonly writable: () => Result<void, string>;
  /** Closes the journal, for a process that outlives its runs. */
  readonly close: () => Promise<void>;
}

/** A recorder whose journal starts with `begin`. A run that is refused before that leaves no record. */
export function createRecorder(options: {
  readonly run: string;
  readonly clock: Clock;
  readonly listener: Listener;
  readonly openStore: () => Promise<Result<EventStore, string>>;
}): Recorder {
  let store: EventStore | null = null;
  let failure: string | null = null;

  let viewFailed = false;
  // A view that fails is a bug in guard. It must not leave an instance half restored, so the run continues.
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
    writable: () => (failure === null ? ok(undefined) : err(failure)),
    close: async () => store?.close(),
    resume,
    begin: async (started) => {
      const opened = await options.openStore();
      if (opened.ok) store = opened.value;
      const event = stamped(started);
      const written = opened.ok ? await opened.value.append(event) : opened;
      // The run is refused, and its refusal says why: there is no record to point to.
      if (written.ok) await tell(event);
      else failure = written.error;
    },
  };
}

/** The result of a phase, in a few words. */
interface PhaseResult {
  readonly ok: boolean;
  readonly message: string;
}

/** Runs one phase between its two events. The first is durable before the work starts. */
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

/** Records each sentence as a warning. For what reports while it goes on with its work. */
export function warner(recorder: Pick<Recorder, 'record'>): (message: string) => void {
  return (message) => void recorder.record({ type: 'notice', level: 'warning', message });
}
