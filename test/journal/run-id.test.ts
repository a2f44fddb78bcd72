import { expect, test } from 'vitest';
import { findRunId, isRunId, newRunId, timeOfRunId } from '../../src/journal/run-id.ts';

const time = Date.UTC(2026, 10, 23, 5, 51, 26, 789);

test('an id is the time in UTC and four characters from the source of chance', () => {
  const random = [8, 24, 5, 30];
  expect(newRunId(time, () => random.shift() ?? 0)).toBe('20261123-055126-j3f9');
});

test('ids sort by time', () => {
  const ids = [0, 999, 60_000, 86_400_000, 31 * 86_400_000].map((later) => newRunId(time + later * 2));
  expect(ids.toSorted()).toEqual(ids);
});

test('an id gives its time back, to the second', () => {
  expect(timeOfRunId(newRunId(time))).toBe(time - 789);
  expect(timeOfRunId('20269923-055126-k3f9')).toBeNull();
  expect(timeOfRunId('ubuntu-test-1')).toBeNull();
});

test.each([
  '',
  '..',
  '../../etc',
  '20261123-055126',
  '20261123-055126-k3f9/..',
  '20261123-055126-K3F9',
  'x20261123-055126-k3f9',
])('%j is no id and never becomes part of a path', (text) => {
  expect(isRunId(text)).toBe(false);
});

const ids = ['20261124-010203-aaaa', '20261123-055126-k3f9', '20261123-055126-bbbb', '20261001-000000-aaaa'];

test.each([
  ['last', '20261124-010203-aaaa'],
  ['20261123-055126-k3f9', '20261123-055126-k3f9'],
  ['20261124', '20261124-010203-aaaa'],
  ['k3f9', '20261123-055126-k3f9'],
  [' K3F9 ', '20261123-055126-k3f9'],
  ['202610', '20261001-000000-aaaa'],
])('%j means %s', (wanted, id) => {
  expect(findRunId(ids, wanted)).toEqual({ ok: true, value: id });
});

test('what fits several names them, newest first', () => {
  expect(findRunId(ids, 'aaaa')).toEqual({
    ok: false,
    error: { kind: 'ambiguous', candidates: ['20261124-010203-aaaa', '20261001-000000-aaaa'] },
  });
  expect(findRunId(ids, '20261123')).toMatchObject({ ok: false, error: { kind: 'ambiguous' } });
});

test.each(['', 'zzzz', 'k3f', '2025'])('%j is unknown', (wanted) => {
  expect(findRunId(ids, wanted)).toEqual({ ok: false, error: { kind: 'unknown' } });
});

test('where nothing is recorded nothing is the last', () => {
  expect(findRunId([], 'last')).toEqual({ ok: false, error: { kind: 'unknown' } });
});
