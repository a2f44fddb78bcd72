import { beforeAll, expect, test } from 'vitest';
import { pointsTable, type PointRow } from '../../src/report/points-table.ts';

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

const now = Date.UTC(2026, 10, 23, 8);
const point = (more: Partial<PointRow> = {}): PointRow => ({
  instance: 'web',
  run: '20261123-070945-z8mf',
  name: 'guard-20261123-070945-z8mf',
  takenAt: now - 3_600_000,
  expiresAt: null,
  command: ['apt', 'upgrade'],
  volumes: 0,
  sizeBytes: null,
  ...more,
});

test('age and size, where the storage driver tells it', () => {
  const lines = pointsTable([point({ sizeBytes: 5_242_880 }), point()], now);
  expect(lines).toEqual([
    'INSTANCE  RUN                   TAKEN             AGE  SIZE     EXPIRES  BEFORE',
    'web       20261123-070945-z8mf  2026-11-23 07:00  1 h  5.0 MiB  never    apt upgrade',
    'web       20261123-070945-z8mf  2026-11-23 07:00  1 h  unknown  never    apt upgrade',
  ]);
});

test('no column of sizes that nobody knows', () => {
  expect(pointsTable([point()], now).join('\n')).not.toContain('SIZE');
});

test.each([80, 40])('nothing is wider than %i columns, and the run can be copied', (columns) => {
  const lines = pointsTable([point({ sizeBytes: 1 })], now, { columns });
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  expect(lines[1]).toContain('20261123-070945-z8mf');
});

test('names that came from elsewhere are harmless', () => {
  expect(pointsTable([point({ instance: 'a\u001b[2Jb' })], now).join('\n')).not.toContain('\u001b');
});
