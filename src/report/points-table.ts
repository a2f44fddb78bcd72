import { formatDuration } from '../duration.ts';
import { neutralise, shellWords } from '../text.ts';
import { formatBytes } from './format.ts';
import { tableLines, type Column, type TableScreen } from './table.ts';
import { formatTime } from '../time.ts';

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
  /** What it takes of the pool by itself; null if the storage driver does not tell. */
  readonly sizeBytes: number | null;
}

/** The table of `guard points`; `now` is milliseconds since 1970. */
export function pointsTable(points: readonly PointRow[], now: number, screen: TableScreen = {}): string[] {
  if (points.length === 0) return ['There is no restore point of guard.'];
  const columns: readonly Column<PointRow>[] = [
    { title: 'INSTANCE', cell: ({ instance }) => neutralise(instance), dispensable: 0 },
    { title: 'RUN', cell: ({ run }) => run, dispensable: 0 },
    { title: 'TAKEN', cell: ({ takenAt }) => formatTime(takenAt, 'minute'), dispensable: 3 },
    { title: 'AGE', cell: ({ takenAt }) => sayAge(now - takenAt), dispensable: 1 },
    // Most drivers tell the size of no snapshot: then a column of nothing would only take room.
    ...(points.some(({ sizeBytes }) => sizeBytes !== null) ? [sizeColumn] : []),
    {
      title: 'EXPIRES',
      cell: ({ expiresAt }) => (expiresAt === null ? 'never' : formatTime(expiresAt, 'minute')),
      dispensable: 4,
    },
    { title: 'BEFORE', cell: ({ command }) => neutralise(shellWords(command), 100), dispensable: 0 },
  ];
  return tableLines(points, columns, screen);
}

const sizeColumn: Column<PointRow> = {
  title: 'SIZE',
  cell: ({ sizeBytes }) => (sizeBytes === null ? 'unknown' : formatBytes(sizeBytes)),
  dispensable: 2,
};

/** The largest unit is enough to choose by. */
function sayAge(ms: number): string {
  return formatDuration(Math.max(0, ms)).split(' ').slice(0, 2).join(' ');
}
