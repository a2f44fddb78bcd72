import type { Phase, WatchObservation } from '../../event.ts';
import type { RunRecord } from '../../journal/runs.ts';

/** A span of time, milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One phase of a run on the page. */
export interface TimelineRow {
  readonly phase: Phase;
  readonly span: Span;
  /** What came of it; null where the record breaks off. */
  readonly result: { readonly ok: boolean; readonly message: string } | null;
  /** What the watch saw meanwhile. */
  readonly observations: readonly WatchObservation[];
}

/** A run's phases to scale. */
export interface Timeline {
  readonly whole: Span;
  readonly rows: readonly TimelineRow[];
  /** While the instance did not run because guard had stopped it; `to` is null where it was not seen to run again. */
  readonly downtime: { readonly from: number; readonly to: number | null } | null;
}

/** The timeline of a record. Pure. */
export function timelineOf(record: Pick<RunRecord, 'events' | 'phases'>): Timeline {
  const times = record.events.map(({ at }) => at);
  const whole = { from: Math.min(...times, ...record.phases.map((phase) => phase.begunAt)), to: Math.max(...times) };
  const rows = record.phases.map(({ phase, begunAt, ended }): TimelineRow => {
    const span = { from: begunAt, to: ended?.at ?? whole.to };
    const result = ended === null ? null : { ok: ended.ok, message: ended.message };
    return { phase, span, result, observations: observationsIn(record, phase, span) };
  });
  return { whole, rows, downtime: downtimeOf(rows) };
}

/** A rehearsal verifies twice: each verification has its own. */
function observationsIn({ events }: Pick<RunRecord, 'events'>, phase: Phase, { from, to }: Span): WatchObservation[] {
  if (phase !== 'verify' && phase !== 'verify-again') return [];
  return events
    .flatMap((event) => (event.type === 'watch-observed' ? event.observations : []))
    .filter(({ at }) => at >= from && at <= to);
}

/**
 * From the stop before a restore until the instance ran again. `guard recover` stops the instance of a failed rollback a
 * second time: without a successful start in between, the downtime began with the first stop.
 */
function downtimeOf(rows: readonly TimelineRow[]): Timeline['downtime'] {
  const lastStop = rows.findLastIndex(({ phase }) => phase === 'stop');
  if (lastStop < 0) return null;
  const startedBefore = rows.slice(0, lastStop).findLastIndex(hasStarted);
  const stop = rows.slice(startedBefore + 1).find(({ phase }) => phase === 'stop');
  const start = rows.slice(lastStop).findLast(({ phase }) => phase === 'start');
  return { from: stop?.span.from ?? 0, to: start !== undefined && hasStarted(start) ? start.span.to : null };
}

function hasStarted({ phase, result }: TimelineRow): boolean {
  return phase === 'start' && result?.ok === true;
}
