import { expect, test } from 'vitest';
import type { KeptRestorePoint } from '../../../src/journal/kept-restore-points.ts';
import { restorePointsToPrune } from '../../../src/run/restore-point/retention.ts';

const run = (day: number): string => `202611${String(day).padStart(2, '0')}-120000-abcd`;

const kept = (day: number, more: Partial<KeptRestorePoint> = {}): KeptRestorePoint => ({
  run: run(day),
  name: `guard-${run(day)}`,
  createdAt: `2026-11-${day}T12:00:00Z`,
  volumes: [],
  named: false,
  ...more,
});

const five = [1, 2, 3, 4, 5].map((day) => kept(day));

const runsOf = (points: readonly KeptRestorePoint[]): string[] => points.map((point) => point.run).toSorted();

test('the newest stay, the older ones go', () => {
  expect(runsOf(restorePointsToPrune(five, five, 3))).toEqual([run(1), run(2)]);
});

test('the order of the records does not matter', () => {
  expect(runsOf(restorePointsToPrune(five.toReversed(), five, 3))).toEqual([run(1), run(2)]);
});

test.each([0, 1, -1])('the newest one stays with --keep %i: it is the last good one', (keep) => {
  expect(runsOf(restorePointsToPrune(five, five, keep))).toEqual([run(1), run(2), run(3), run(4)]);
});

test('nothing goes while there are no more than may stay', () => {
  expect(restorePointsToPrune(five, five, 5)).toEqual([]);
  expect(restorePointsToPrune(five, five, 100)).toEqual([]);
});

test('what the user named neither goes nor counts (F17)', () => {
  const points = [...five, kept(6, { name: 'before-the-party', named: true })];
  expect(runsOf(restorePointsToPrune(points, points, 5))).toEqual([]);
  expect(runsOf(restorePointsToPrune(points, points, 4))).toEqual([run(1)]);
});

test('a snapshot that looks like one of guard’s, without a record, does not go (F17)', () => {
  const foreign = { name: 'guard-20200101-120000-abcd', createdAt: '2020-01-01T12:00:00Z' };
  const gone = restorePointsToPrune(five, [foreign, ...five], 1);
  expect(gone.map(({ name }) => name)).not.toContain(foreign.name);
});

test('a snapshot of a recorded name that was made at another time is somebody’s own, and does not go (F3, F17)', () => {
  const existing = five.map((point) =>
    point.run === run(1) ? { ...point, createdAt: '2026-12-24T00:00:00Z' } : point,
  );
  expect(runsOf(restorePointsToPrune(five, existing, 1))).toEqual([run(2), run(3), run(4)]);
});

test('a record whose snapshot is gone neither goes again nor takes the place of one that is there', () => {
  const existing = five.filter((point) => point.run !== run(5));
  expect(runsOf(restorePointsToPrune(five, existing, 1))).toEqual([run(1), run(2), run(3)]);
});

test('two runs of one second are told apart by the server’s time: the newest is the one that stays', () => {
  const [older, newer] = [
    { ...(five[0] as (typeof five)[number]), run: '20261101-120000-zzzz', createdAt: '2026-11-01T12:00:00.1Z' },
    { ...(five[1] as (typeof five)[number]), run: '20261101-120000-aaaa', createdAt: '2026-11-01T12:00:00.25Z' },
  ];
  expect(runsOf(restorePointsToPrune([older, newer], [older, newer], 1))).toEqual(['20261101-120000-zzzz']);
});

test('a clock that was set back does not make the restore point of just now the oldest one', () => {
  expect(runsOf(restorePointsToPrune(five, five, 3, run(1)))).toEqual([run(2), run(3)]);
  expect(runsOf(restorePointsToPrune(five, five, 1, run(2)))).toEqual([run(1), run(3), run(4), run(5)]);
});
