import { describe, expect, test } from 'vitest';
import { configurationOf } from '../../../src/platform/incus/instances/config.ts';
import { driftSince, describeDrift } from '../../../src/run/rollback/drift.ts';

const configured = (...words: Parameters<typeof configurationOf>) => ({
  configuration: configurationOf(...words),
});
const disk = { type: 'disk', path: '/srv', source: '/srv/data' };

describe('what a restore undoes in the configuration (F22)', () => {
  test('is told by name, and never by value', () => {
    const drift = driftSince(
      configured({ 'limits.memory': '1GiB', 'user.old': 'a', same: '1' }, { data: disk, gone: disk }),
      configured(
        { 'limits.memory': '2GiB', 'environment.TOKEN': 'secret', same: '1' },
        { data: { ...disk, readonly: 'true' }, new: disk },
      ),
    );
    expect(drift).toEqual([
      'key environment.TOKEN (added)',
      'key limits.memory (changed)',
      'key user.old (removed)',
      'device data (changed)',
      'device gone (removed)',
      'device new (added)',
    ]);
    expect(describeDrift(drift)).toContain('since the restore point: key environment.TOKEN (added), ');
  });

  test("is not what Incus and guard note for themselves, nor the order of a device's keys", () => {
    const before = configured({ 'volatile.uuid': '1' }, { data: disk });
    const reordered = Object.fromEntries(Object.entries(disk).toReversed());
    const now = configured({ 'volatile.uuid': '2', 'user.guard.run': '{}' }, { data: reordered });
    expect(driftSince(before, now)).toEqual([]);
    expect(describeDrift([])).toBeNull();
  });

  test('is bounded, and harmless to show', () => {
    const config = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`user.${at}\u001b[2J`, 'x']));
    const message = describeDrift(driftSince(configured({}, {}), configured(config, {}))) ?? '';
    expect(message).toContain('and 30 more');
    expect(message).not.toContain('\u001b');
  });
});
