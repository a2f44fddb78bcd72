import type {
  Changes,
  CommandEnd,
  Phase,
  RecordedEvent,
  RehearsalCopy,
  RehearsalReport,
  Verdict,
  VolumePoint,
} from '../event.ts';
import { neutralise } from '../text.ts';

/** The facts from the events of a run so far. The summary may use nothing else. */
export interface RunFacts {
  readonly run: string;
  readonly instance: string | null;
  readonly project: string;
  readonly remote: string | null;
  /** Whether the instance ran before the run. */
  readonly wasRunning: boolean;
  readonly begun: readonly Phase[];
  readonly end: CommandEnd | null;
  /** After the command. */
  readonly verdict: Verdict | null;
  /** After a rollback. */
  readonly verdictAgain: Verdict | null;
  readonly changes: Changes | null;
  /** What failed units wrote last. */
  readonly unitLogs: readonly { readonly unit: string; readonly lines: readonly string[] }[];
  /** Whether it is known what was decided. */
  readonly decided: boolean;
  /** What the person at the terminal decided; null where they were not asked. */
  readonly chosen: 'keep' | 'rollback' | null;
  /** What the verdict rests on; null where it is not known. */
  readonly coverage: { readonly compared: readonly string[]; readonly missing: readonly string[] } | null;
  /** Nothing was compared and no check was run: the verdict proves nothing. */
  readonly provesNothing: boolean;
  /** The final name of the restore point; null where it is not kept. */
  readonly restorePoint: string | null;
  /** The snapshots of volumes that were taken with it. */
  readonly volumes: readonly VolumePoint[];
  /** What became of the wait for a confirmation; null where there was none, or it goes on. */
  readonly confirmation: 'confirmed' | 'refused' | 'expired' | null;
  /** Until when the change waits, or waited, for a confirmation: milliseconds since 1970; null where it never did. */
  readonly deadline: number | null;
  /** When the restore point was taken, and when the instance was stopped for the rollback: what is written between is lost. */
  readonly pointAt: number | null;
  readonly stoppedAt: number | null;
  /** What was saved before the rollback, and what could not be. */
  readonly evidence: { readonly files: readonly string[]; readonly missing: readonly string[] } | null;
  /** The copy that the run is rehearsed on; null where it changes the instance itself. */
  readonly copy: RehearsalCopy | null;
  /** What the rehearsal showed beside its verdict; null before it is known. */
  readonly rehearsal: RehearsalReport | null;
  /** The copy is still there, because the user wants it. */
  readonly keptCopy: boolean;
  /** Whether there is a record that `guard show` finds. */
  readonly recorded: boolean;
  /** The command never changes an instance, so a refusal need not say that nothing was changed. */
  readonly readOnly: boolean;
}

/** Before the first event. */
export function noFacts(run: string): RunFacts {
  return {
    run,
    instance: null,
    project: 'default',
    remote: null,
    wasRunning: true,
    begun: [],
    end: null,
    verdict: null,
    verdictAgain: null,
    changes: null,
    unitLogs: [],
    decided: false,
    chosen: null,
    coverage: null,
    provesNothing: false,
    restorePoint: null,
    volumes: [],
    confirmation: null,
    deadline: null,
    pointAt: null,
    stoppedAt: null,
    evidence: null,
    copy: null,
    rehearsal: null,
    keptCopy: false,
    recorded: false,
    readOnly: false,
  };
}

/** What a verdict can rest on. */
function restingOn({ baseline, coverage }: Extract<RecordedEvent, { type: 'baseline-recorded' }>) {
  const provesNothing = baseline.checks.length === 0 && coverage?.compared.length === 0;
  return { coverage: coverage ?? null, provesNothing };
}

/** The facts after one more event. */
export function withEvent(facts: RunFacts, event: RecordedEvent): RunFacts {
  switch (event.type) {
    case 'run-started': {
      const { instance, project, remote, wasRunning } = event;
      const copy = event.rehearsal?.copy ?? null;
      return { ...facts, instance: neutralise(instance), project, remote, wasRunning, copy, recorded: true };
    }
    case 'instance-renamed':
      return { ...facts, instance: neutralise(event.instance) };
    case 'phase-started':
      return {
        ...facts,
        begun: [...facts.begun, event.phase],
        stoppedAt: stoppedAtOf(facts, event),
      };
    case 'restore-point-created':
      return { ...facts, volumes: event.restorePoint.volumes, pointAt: facts.pointAt ?? event.at };
    case 'command-ended':
      return { ...facts, end: event.end };
    case 'verdict':
      return event.afterRollback ? { ...facts, verdictAgain: event.verdict } : { ...facts, verdict: event.verdict };
    case 'baseline-recorded':
      return { ...facts, ...restingOn(event) };
    case 'unit-log':
      return { ...facts, unitLogs: [...facts.unitLogs.filter(({ unit }) => unit !== event.unit), event] };
    case 'decided':
      return { ...facts, decided: true, chosen: event.chosen === true ? event.decision : null };
    case 'changes':
      return { ...facts, changes: event.changes };
    case 'evidence-saved':
      return { ...facts, evidence: event };
    case 'rehearsal-report':
      return { ...facts, rehearsal: event.report };
    case 'copy-removed':
      return { ...facts, keptCopy: event.kept };
    case 'released':
      return { ...facts, restorePoint: event.restorePoint };
    default:
      return withConfirmation(facts, event);
  }
}

function withConfirmation(facts: RunFacts, event: RecordedEvent): RunFacts {
  switch (event.type) {
    case 'confirmation-requested':
    case 'confirmation-extended':
      return { ...facts, deadline: event.deadline.at };
    case 'confirmation-settled':
      return { ...facts, confirmation: event.state };
    default:
      return facts;
  }
}

function stoppedAtOf({ stoppedAt }: RunFacts, { phase, at }: Extract<RecordedEvent, { type: 'phase-started' }>) {
  return stoppedAt ?? (phase === 'stop' || phase === 'restore' ? at : null);
}
