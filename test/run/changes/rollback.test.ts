import { expect, test } from 'vitest';
import type { Pool, Snapshot } from '../../../src/platform/platform.ts';
import { rollbackChange } from '../../../src/run/changes/rollback.ts';
import { createWorld, planOf, startGuard } from '../engine/world.ts';

const createdAt = '2026-01-01T00:00:00Z';
const target = { run: '20260101-000000-abcd', restorePoint: { name: 'old', createdAt, volumes: [] }, baseline: null };
const point = snapshot('old', createdAt);

function snapshot(name: string, at: string): Snapshot {
  return { name, createdAt: at } as Snapshot;
}

function admit(snapshots: readonly Snapshot[], pool: Partial<Pool> | null) {
  const { platform } = startGuard(createWorld(), { run: target.run });
  const seen = { snapshots, pool: pool as Pool | null, commands: platform.commands };
  return rollbackChange(target).admit(planOf('good', target.run), seen);
}

test('a rollback needs the exact snapshot: the name alone is not enough (F2, F3)', () => {
  expect(admit([point], null)).toMatchObject({ ok: true });
  for (const snapshots of [[], [snapshot('old', '2026-01-02T00:00:00Z')], [snapshot('other', createdAt)]])
    expect(admit(snapshots, null)).toMatchObject({
      error: { outcome: 'refused', refusal: { message: expect.stringContaining('no longer exists') as string } },
    });
});

test('a storage that restores only the newest snapshot refuses it, and names the newer ones (F4)', () => {
  const snapshots = [point, snapshot('newer', '2026-01-02T00:00:00Z')];
  expect(admit(snapshots, { restoreNeedsNewest: false })).toMatchObject({ ok: true });
  expect(admit(snapshots, { restoreNeedsNewest: true })).toMatchObject({
    error: {
      refusal: { message: expect.stringMatching(/only the newest snapshot.*Newer ones now: newer\.$/) as string },
    },
  });
});
