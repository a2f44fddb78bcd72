import { expect, test } from 'vitest';
import { markerKey, readMarker } from '../../../src/run/lock/marker.ts';

const confirmation = { state: 'waiting', deadline: { at: 1, bootId: 'b', sinceBootMs: 1 } };
const marker = {
  v: 1,
  run: '20261130-090429-gssd',
  holder: { host: 'h', bootId: 'b', pid: 1, network: 'n', id: 'one' },
  wasRunning: true,
  restorePointName: 'guard-20261130-090429-gssd',
  leaseMs: 1000,
  at: 1,
};

function read(one: unknown): ReturnType<typeof readMarker> {
  return readMarker({ metadata: { [markerKey]: JSON.stringify({ ...marker, confirmation: one }) } });
}

test('a marker keeps a possible retention, and is read without an impossible one', () => {
  const retention = { keep: 3, expiresMs: 60_000 };
  expect(read({ ...confirmation, retention })?.confirmation).toEqual({ ...confirmation, retention });
  expect(read({ ...confirmation, retention: { keep: 0.5, expiresMs: 1e300 } })?.confirmation).toEqual(confirmation);
});
