import { formatDuration } from '../duration.ts';
import { neutralise, shellWords } from '../text.ts';
import { formatTime } from './time.ts';

/** One restore point that exists. */
export interface PointRow {
  readonly instance: string;
  readonly run: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly takenAt: number;
  /** When the server removes it; null for never. */
  readonly expiresAt: number | null;
  readonly command: readonly string[];
  readonly volumes: number;
}

/** The table of `guard points`; `now` is milliseconds since 1970. */
export function pointsTable(points: readonly PointRow[], now: number): string[] {
  if (points.length === 0) return ['There is no restore point of guard.'];
  const rows = points.map((point) => [
    point.instance,
    point.run,
    formatTime(point.takenAt, 'minute'),
    sayAge(now - point.takenAt),
    point.expiresAt === null ? 'never' : formatTime(point.expiresAt, 'minute'),
    neutralise(shellWords(point.command), 100),
  ]);
  const table = [['INSTANCE', 'RUN', 'TAKEN', 'AGE', 'EXPIRES', 'BEFORE'], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** The largest unit is enough to choose by. */
function sayAge(ms: number): string {
  return formatDuration(Math.max(0, ms)).split(' ').slice(0, 2).join(' ');
}
