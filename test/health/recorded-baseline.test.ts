import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { recordedBaseline } from '../../src/health/recorded-baseline.ts';

const written = JSON.parse(
  await readFile(new URL('../journal/fixtures/v1/kept/baseline.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;

test('a baseline that an earlier version recorded is read with the names of today', () => {
  expect(written['state']).toEqual({ kind: 'askable' });
  expect(recordedBaseline(written)).toEqual({ ...written, state: { kind: 'reachable' } });
  const silent = { ...written, facts: null, state: { kind: 'unaskable', message: 'no answer' } };
  expect(recordedBaseline(silent)?.state).toEqual({ kind: 'unreachable', message: 'no answer' });
});

test.each([
  ['nothing', null],
  ['a list', []],
  ['without checks', { ...written, checks: undefined }],
  ['without definitions', { ...written, definitions: undefined }],
  ['facts of a later version', { ...written, facts: { v: 2 } }],
  ['a state that is not known', { ...written, state: { kind: 'other', message: '' } }],
  ['a state without its message', { ...written, state: { kind: 'not-running' } }],
])('%s is no baseline', (_name, value) => {
  expect(recordedBaseline(value)).toBeNull();
});
