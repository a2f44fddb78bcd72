import { describe, expect, test } from 'vitest';
import { remainingMs, type Deadline } from '../../../src/deadline.ts';
import type { NotedWait } from '../../../src/journal/waiting-runs.ts';
import type { RecordedEvent } from '../../../src/event.ts';
import type { Fault, MemoryRequest } from '../../../src/platform/memory/requests.ts';
import { keepDeadline } from '../../../src/run/confirmation/keep-deadline.ts';
import { knownWaitOf } from '../../../src/run/confirmation/known-wait.ts';
import { settleOnInstance } from '../../../src/run/confirmation/settlement.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { recoverInstance } from './recovery.ts';
import { createWorld, instanceName, planOf, recordOf, startGuard, versionOf, type Guard, type World } from './world.ts';

// A change waits, the marker on its instance is gone, and the server or the records of this host answer badly.

const run = '20270101-000000-cccc';
const minute = 60_000;

/** As a guard of today writes it. */
type Note = NotedWait & { readonly deadline: Deadline };

async function inTime<T>(world: World, { process }: Guard, work: () => Promise<T>): Promise<T> {
  const end = await world.time.run(process, work);
  if (end.end !== 'done') throw new Error(`It is ${end.end}.`);
  return end.value;
}

/** A change that waits for an hour without its guard and without its marker. */
async function waitWithoutMarker(): Promise<{ readonly world: World; readonly noted: Note }> {
  const world = createWorld();
  const maker = startGuard(world, { run });
  const plan = planOf('good', run, { confirmation: { ms: 60 * minute, by: null, detach: true } });
  await inTime(world, maker, () => guardedRun(plan, maker.tools));
  world.dead.add(maker.tools.holder.pid);
  world.instance.metadata = { ...world.instance.metadata, run: '' };
  const record = recordOf(world, run);
  const deadline = record?.confirmationDeadline ?? null;
  if (deadline === null) throw new Error('The change does not wait.');
  return { world, noted: { deadline, createdAt: record?.restorePoint?.createdAt ?? null } };
}

const recover = (world: World, guard: Guard, noted: Note | null) =>
  inTime(world, guard, () => recoverInstance(world, guard, planOf('good', run), run, true, noted));

const passDeadline = (world: World, guard: Guard, { deadline }: Note) =>
  inTime(world, guard, () => {
    const { clock, confirmation } = guard.tools;
    return clock.sleep(remainingMs(deadline, confirmation.readClocks()) + 1000);
  });

describe('guard recover, where the server does not say whether a change waits', () => {
  test.each<readonly [string, Fault]>([
    ['refuses the first read', 'unreachable'],
    ['loses the connection of the first read', 'lost-before'],
  ])('reads again where it %s', async (_what, fault) => {
    const { world } = await waitWithoutMarker();
    const faultOf = ({ name, index }: MemoryRequest) => (name === 'getSnapshot' && index < 2 ? fault : null);
    const guard = startGuard(world, { run, faultOf });
    expect(await recover(world, guard, null)).toMatchObject({ outcome: 'busy' });
    expect(versionOf(world)).toBe('v2');
  });

  test.each<readonly [string, MemoryRequest['name'], Fault]>([
    ['refuses to show the restore point', 'getSnapshot', 'refused'],
    ['refuses to show the instance', 'getInstance', 'refused'],
    ['cannot be reached', 'getInstance', 'unreachable'],
  ])('changes nothing where it %s', async (_what, request, fault) => {
    const { world } = await waitWithoutMarker();
    const begun = world.server.clock.monotonic();
    // The server answers again for what would follow.
    const faultOf = ({ name, index }: MemoryRequest) =>
      name === request && (fault === 'refused' ? index < 2 : world.server.clock.monotonic() - begun < 62_000)
        ? fault
        : null;
    const guard = startGuard(world, { run, faultOf });
    expect(await recover(world, guard, null)).toMatchObject({
      outcome: 'refused',
      refusal: { message: expect.stringContaining('could not determine') as string },
    });
    expect(versionOf(world)).toBe('v2');
    expect(recordOf(world, run)?.ended?.outcome).toMatchObject({ outcome: 'waiting' });
  });
});

const without =
  (...types: readonly RecordedEvent['type'][]) =>
  (world: World) => {
    const events = world.journal.get(run) ?? [];
    world.journal.set(
      run,
      events.filter(({ type }) => !types.includes(type)),
    );
  };

describe.each<readonly [string, (world: World) => void]>([
  ['is missing', (world) => world.journal.delete(run)],
  ['has lost its beginning', without('run-started')],
  ['has lost the line that says that the change waits', without('confirmation-requested')],
  ['has lost both', without('run-started', 'confirmation-requested')],
  ['has lost all that names the change', without('run-started', 'confirmation-requested', 'restore-point-created')],
])('where the record %s, and the note is there', (_what, damage) => {
  const knownOf = (world: World, noted: Note) => knownWaitOf(run, recordOf(world, run), noted, 2 * minute);

  test('guard recover refuses before the deadline', async () => {
    const { world, noted } = await waitWithoutMarker();
    damage(world);
    expect(await recover(world, startGuard(world, { run }), noted)).toMatchObject({ outcome: 'busy' });
    expect(versionOf(world)).toBe('v2');
  });

  test('guard recover rolls the change back after the deadline', async () => {
    const { world, noted } = await waitWithoutMarker();
    damage(world);
    const guard = startGuard(world, { run });
    await passDeadline(world, guard, noted);
    expect(await recover(world, guard, noted)).toMatchObject({ outcome: 'rolled-back', cause: 'not-confirmed' });
    expect(versionOf(world)).toBe('v1');
    expect(world.instance.status).toBe('Running');
  });

  test('the keeper waits before the deadline and rolls the change back after it', async () => {
    const { world, noted } = await waitWithoutMarker();
    damage(world);
    const guard = startGuard(world, { run });
    const { tools } = guard;
    const keeping = {
      ...tools,
      readClocks: tools.confirmation.readClocks,
      readRecord: async () => recordOf(world, run),
    };
    const step = () => inTime(world, guard, () => keepDeadline(keeping, instanceName, run, knownOf(world, noted)));
    expect(await step()).toMatchObject({ step: 'wait', problem: 'marker-missing' });
    await passDeadline(world, guard, noted);
    expect(await step()).toEqual({ step: 'finish' });
    expect(await recover(world, guard, noted)).toMatchObject({ outcome: 'rolled-back', cause: 'not-confirmed' });
    expect(versionOf(world)).toBe('v1');
  });

  test('this host can confirm the change', async () => {
    const { world, noted } = await waitWithoutMarker();
    damage(world);
    const guard = startGuard(world, { run });
    const settling = { ...guard.tools, readClocks: guard.tools.confirmation.readClocks };
    const known = knownOf(world, noted);
    const confirmed = await inTime(world, guard, () =>
      settleOnInstance(settling, instanceName, run, { kind: 'confirm' }, { known }),
    );
    expect(confirmed).toMatchObject({ ok: true, value: { state: 'confirmed' } });
    expect(await recover(world, guard, noted)).toMatchObject({ outcome: 'kept' });
    expect(versionOf(world)).toBe('v2');
  });
});

test('a change that only a note knows is not released where the server refuses to store its end', async () => {
  const { world, noted } = await waitWithoutMarker();
  world.journal.delete(run);
  const guard = startGuard(world, { run, faultOf: ({ name }) => (name === 'patchInstance' ? 'refused' : null) });
  await passDeadline(world, guard, noted);
  expect(await recover(world, guard, noted)).toMatchObject({ outcome: 'refused' });
  expect(world.instance.snapshots).toHaveLength(1);
});

describe.each<readonly [string, (noted: Note) => Note]>([
  ['that names its restore point', (noted) => noted],
  ['of an older guard, without the restore point', (noted) => ({ ...noted, createdAt: null })],
])('a note %s, left behind by a run that ended and whose record is gone,', (_what, asWritten) => {
  const other = '20270101-000100-dddd';

  /** The change of the note was rolled back at its deadline. Then another run began, whose change waits for three hours. */
  async function leaveNote(): Promise<{ readonly world: World; readonly guard: Guard; readonly noted: Note }> {
    const { world, noted } = await waitWithoutMarker();
    const guard = startGuard(world, { run });
    await passDeadline(world, guard, noted);
    expect(await recover(world, guard, noted)).toMatchObject({ outcome: 'rolled-back' });
    world.journal.delete(run);
    const maker = startGuard(world, { run: other });
    const plan = planOf('good', other, { confirmation: { ms: 180 * minute, by: null, detach: true } });
    await inTime(world, maker, () => guardedRun(plan, maker.tools));
    return { world, guard, noted: asWritten(noted) };
  }

  test('does not roll back the change of another run', async () => {
    const { world, guard, noted } = await leaveNote();
    const { tools } = guard;
    const keeping = { ...tools, readClocks: tools.confirmation.readClocks, readRecord: async () => null };
    const known = knownWaitOf(run, null, noted, 2 * minute);
    const before = structuredClone(world.instance.metadata);
    expect(await inTime(world, guard, () => keepDeadline(keeping, instanceName, run, known))).toEqual({
      step: 'finished',
    });
    expect(world.instance.metadata).toEqual(before);
    expect(versionOf(world)).toBe('v2');
  });

  test('does not roll back the change of another run whose marker is gone either', async () => {
    const { world, guard, noted } = await leaveNote();
    world.instance.metadata = { ...world.instance.metadata, run: '' };
    const { tools } = guard;
    const keeping = { ...tools, readClocks: tools.confirmation.readClocks, readRecord: async () => null };
    const known = knownWaitOf(run, null, noted, 2 * minute);
    const { step } = await inTime(world, guard, () => keepDeadline(keeping, instanceName, run, known));
    expect(step).not.toBe('finish');
    expect(world.instance.snapshots.map(({ name }) => name)).toContain('guard-in-flight');
    expect(versionOf(world)).toBe('v2');
  });

  test('does not let guard recover touch the change of another run, also where its marker is gone', async () => {
    const { world, guard, noted } = await leaveNote();
    world.instance.metadata = { ...world.instance.metadata, run: '' };
    const step = await recoverOf(world, guard, noted);
    expect(step).not.toMatchObject({ outcome: 'rolled-back' });
    expect(versionOf(world)).toBe('v2');
  });

  const recoverOf = (world: World, guard: Guard, noted: Note) =>
    inTime(world, guard, () => recoverInstance(world, guard, planOf('good', run), run, false, noted));
});
