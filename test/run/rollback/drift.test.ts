import { describe, expect, test } from 'vitest';
import { driftSince, describeDrift } from '../../../src/run/rollback/drift.ts';

const disk = { type: 'disk', path: '/srv', source: '/srv/data' };

describe('what a restore undoes in the configuration (F22)', () => {
  test('is told by name, and never by value', () => {
    const drift = driftSince(
      { config: { 'limits.memory': '1GiB', 'user.old': 'a', same: '1' }, devices: { data: disk, gone: disk } },
      {
        config: { 'limits.memory': '2GiB', 'environment.TOKEN': 'secret', same: '1' },
        devices: { data: { ...disk, readonly: 'true' }, new: disk },
      },
    );
    expect(drift).toEqual([
      'key environment.TOKEN (added)',
      'key limits.memory (changed)',
      'key user.old (removed)',
      'device data (changed)',
      'device gone (removed)',
      'device new (added)',
    ]);
    expect(describeDrift(drift)).toContain('since: key environment.TOKEN (added), ');
  });

  test("is not what Incus and guard note for themselves, nor the order of a device's keys", () => {
    const before = { config: { 'volatile.uuid': '1' }, devices: { data: disk } };
    const reordered = Object.fromEntries(Object.entries(disk).toReversed());
    const now = { config: { 'volatile.uuid': '2', 'user.guard.run': '{}' }, devices: { data: reordered } };
    expect(driftSince(before, now)).toEqual([]);
    expect(describeDrift([])).toBeNull();
  });

  test('is bounded, and harmless to show', () => {
    const config = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`user.${at}\u001b[2J`, 'x']));
    const message = describeDrift(driftSince({ config: {}, devices: {} }, { config, devices: {} })) ?? '';
    expect(message).toContain('and 30 more');
    expect(message).not.toContain('\u001b');
  });
});
