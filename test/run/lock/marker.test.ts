import { describe, expect, test } from 'vitest';
import { markerKey, readMarker, type RunMarker } from '../../../src/run/lock/marker.ts';

const marker: RunMarker = {
  v: 1,
  run: '20261123-120000-abcd',
  holder: { host: 'host', bootId: 'boot', pid: 1, network: 'net:[1]', id: 'i' },
  wasRunning: true,
  restorePointName: 'guard-20261123-120000-abcd',
  leaseMs: 120_000,
  at: 3,
};

const read = (text: string) => readMarker({ metadata: { [markerKey]: text } });

test('a mark is read as it was written', () => {
  expect(read(JSON.stringify(marker))).toEqual(marker);
});

test('what a later guard adds to a mark does not hide it', () => {
  expect(read(JSON.stringify({ ...marker, more: true }))).toMatchObject(marker);
});

test('no mark, or a removed one, is none', () => {
  expect(readMarker({ metadata: {} })).toBeNull();
  expect(read('')).toBeNull();
});

describe('what somebody else wrote there is no mark', () => {
  test.each(['{', 'null', 'true', '1', '[]', '{}', '"text"', '\0', '{"run":"20261123-120000-abcd"}'])('%s', (text) => {
    expect(read(text)).toBeNull();
  });

  test.each<[string, object]>([
    ['a run that would lead out of the state directory', { run: '../../../etc/cron.d/x' }],
    ['a run that is no text', { run: 1 }],
    ['no holder', { holder: null }],
    ['a holder that is a text', { holder: 'me' }],
    ['a holder without a host', { holder: { ...marker.holder, host: undefined } }],
    ['a pid that is a text', { holder: { ...marker.holder, pid: '1' } }],
    ['a name that is no text', { restorePointName: { toString: 'x' } }],
    ['a state that is no truth value', { wasRunning: 'yes' }],
    ['a time that is a text', { at: 'now' }],
  ])('%s', (_, change) => {
    expect(read(JSON.stringify({ ...marker, ...change }))).toBeNull();
  });
});
