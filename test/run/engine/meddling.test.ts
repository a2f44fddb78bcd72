import { describe, expect, test } from 'vitest';

import type { Confirmation } from '../../../src/run/lock/confirmation.ts';
import { tryConfirmation, type Story, type TrialEnd } from './confirmation-trial.ts';
import type { World } from './world.ts';

// Somebody who may configure the instance changes what guard keeps there while a change waits.

const marker = (world: World): Record<string, unknown> => JSON.parse(world.instance.metadata['run'] ?? '{}') as never;

const write = (world: World, text: string): void => {
  world.instance.metadata = { ...world.instance.metadata, run: text };
};

const withConfirmation = (change: (confirmation: Confirmation) => Partial<Confirmation>) => (world: World) => {
  const now = marker(world);
  const confirmation = now['confirmation'] as Confirmation;
  write(world, JSON.stringify({ ...now, confirmation: { ...confirmation, ...change(confirmation) } }));
};

const moved = (ms: number) =>
  withConfirmation(({ deadline }) => ({
    deadline: { ...deadline, at: deadline.at + ms, sinceBootMs: deadline.sinceBootMs + ms },
  }));

const removePoint = (world: World): void => {
  world.instance.snapshots = world.instance.snapshots.filter(({ name }) => name !== 'guard-in-flight');
};

const day = 86_400_000;

/** The change goes on waiting, and what is said of it. */
const harmless: readonly (readonly [string, (world: World) => void, RegExp])[] = [
  ['removes the marker', (world) => write(world, ''), /marker of this run/],
  ['writes something else into the marker', (world) => write(world, 'by hand'), /cannot be read/],
  ['writes half a marker', (world) => write(world, '{"v":1}'), /cannot be read/],
  [
    'writes an impossible state',
    (world) => write(world, JSON.stringify({ ...marker(world), confirmation: { state: 'perhaps' } })),
    /cannot be read/,
  ],
  [
    'takes the confirmation out of the marker',
    (world) => write(world, JSON.stringify({ ...marker(world), confirmation: undefined })),
    /marker of this run/,
  ],
  [
    'puts the marker of another run there',
    (world) => write(world, JSON.stringify({ ...marker(world), run: '20270101-000000-dddd' })),
    /of another run/,
  ],
  ['moves the deadline far away', moved(30 * day), /without `guard confirm --extend`/],
  ['moves the deadline into the past', moved(-day), /without `guard confirm --extend`/],
  [
    'says that somebody extended it for longer than anybody can',
    withConfirmation(({ deadline }) => ({
      deadline: { ...deadline, at: deadline.at + 30 * day, sinceBootMs: deadline.sinceBootMs + 30 * day },
      extension: { by: { host: 'h', pid: 1, bootId: 'b', network: 'n', id: 'i' }, at: deadline.at, ms: 30 * day },
    })),
    /without `guard confirm --extend`/,
  ],
];

const attempt = (
  detach: boolean,
  meddle: (world: World) => void,
  acts: Story['acts'] = [],
): Promise<Omit<TrialEnd, 'requests'>> =>
  tryConfirmation({ name: 'meddling', detach, acts, meddling: { meddle, afterMs: 5000 }, version: 'v1' }, null);

const confirm = { action: { kind: 'confirm' }, afterMs: 10_000, host: 'here' } as const;

describe.each([
  ['detached', true],
  ['attended', false],
])('%s: while a change waits somebody', (_who, detach) => {
  test.each(harmless)('%s: it is rolled back at its deadline, and not before', async (_what, meddle, said) => {
    const end = await attempt(detach, meddle);
    expect(end).toMatchObject({
      version: 'v1',
      violations: [],
      recorded: { outcome: 'rolled-back', cause: 'not-confirmed' },
    });
    expect(end.lateMs).toBeGreaterThanOrEqual(0);
    expect(end.warnings.filter((text) => said.test(text))).toHaveLength(1);
  });

  test.each(harmless)('%s: this host can confirm it all the same', async (_what, meddle) => {
    const end = await attempt(detach, meddle, [confirm]);
    expect(end).toMatchObject({ version: 'v2', violations: [], recorded: { outcome: 'kept' } });
  });

  test.each(harmless)('%s: this host can extend it all the same', async (_what, meddle) => {
    const extend = { action: { kind: 'extend', ms: 90_000 }, afterMs: 10_000, host: 'here' } as const;
    const end = await attempt(detach, meddle, [extend]);
    expect(end).toMatchObject({ version: 'v1', violations: [], recorded: { cause: 'not-confirmed' } });
    expect(end.lateMs).toBeGreaterThanOrEqual(40_000);
  });

  test('removes the restore point: nothing can be rolled back at the deadline, and the record says so', async () => {
    const end = await attempt(detach, removePoint);
    expect(end).toMatchObject({ version: 'v2', recorded: { outcome: 'rollback-failed', cause: 'not-confirmed' } });
    expect(end.lateMs).toBeGreaterThanOrEqual(0);
    expect(end.warnings.filter((text) => text.includes('restore point of this run'))).toHaveLength(1);
    expect(end.recorded).toHaveProperty('message', expect.stringMatching(/not confirmed.*stays as the change left it/));
  });

  test('removes the restore point: the change can be confirmed', async () => {
    const end = await attempt(detach, removePoint, [confirm]);
    expect(end).toMatchObject({ version: 'v2', violations: [], recorded: { outcome: 'kept' } });
  });
});
