import { describe, expect, test } from 'vitest';
import { memberEndState } from '../../src/rollout/member-end.ts';
import { nextStep, type MemberState, type RolloutProgress } from '../../src/rollout/planner.ts';
import { withRolloutEvent } from '../../src/rollout/record.ts';
import { resumeEvent, unfinishedMembers } from '../../src/rollout/resume.ts';
import { createWaveGate } from '../../src/rollout/wave-gate.ts';
import { holder, membersOf, oneByOne, recorded, recordOf } from './record-samples.ts';
import { formatTime } from '../../src/time.ts';

const two = { ...oneByOne, maxParallel: { count: 2 }, confirms: true };

function progressOf(
  states: readonly MemberState[],
  settings: RolloutProgress['settings'] = two,
  accepted = false,
): RolloutProgress {
  const { members } = recordOf(membersOf(states.length, settings));
  return {
    settings,
    members: members.map((member, index) => ({ ...member, state: states[index] ?? 'pending', accepted })),
    total: states.length,
    waveEndedAt: null,
    halt: null,
  };
}

describe('a rollout whose waves wait for a confirmation', () => {
  test('begins the next wave only when the whole wave is kept', () => {
    const step = nextStep(progressOf(['kept', 'running', 'pending', 'pending']), 0);
    expect(step).toEqual({ kind: 'wait' });
    const free = progressOf(['kept', 'running', 'pending', 'pending'], { ...two, confirms: false });
    expect(nextStep(free, 0).kind).toBe('begin');
    expect(nextStep(progressOf(['kept', 'kept', 'pending', 'pending']), 0)).toMatchObject({ kind: 'begin' });
  });

  test('stops where a change was not confirmed, however many failures are allowed', () => {
    const lenient = { ...two, maxFailures: { percent: 100 } };
    const step = nextStep(progressOf(['kept', 'unconfirmed', 'pending', 'pending'], lenient), 0);
    expect(step).toEqual({ kind: 'end', stop: 'not-confirmed' });
    const seen = progressOf(['kept', 'unconfirmed', 'pending', 'pending'], lenient, true);
    expect(nextStep(seen, 0)).toMatchObject({ kind: 'begin' });
  });

  test('rolls the kept ones back with all or nothing', () => {
    const step = nextStep(progressOf(['kept', 'unconfirmed'], { ...two, allOrNothing: true }), 0);
    expect(step).toMatchObject({ kind: 'revert' });
  });

  test('knows a change that was not confirmed, and one that waits', () => {
    expect(memberEndState({ outcome: 'rolled-back', cause: 'not-confirmed' }, false)).toBe('unconfirmed');
    expect(memberEndState({ outcome: 'waiting', deadline: 1 }, false)).toBe('inconclusive');
  });

  test('says in its record which instance waits until when', () => {
    const record = recordOf(membersOf(2, two));
    const [{ id } = { id: '' }] = record.members;
    const run = '20261129-230000-0001';
    const after = [
      recorded({ type: 'member-begun', id, run }),
      recorded({ type: 'member-waiting', id, run, deadline: 1_000 }),
    ].reduce(withRolloutEvent, record);
    expect(after.members[0]).toMatchObject({
      state: 'running',
      message: `waits for a confirmation until ${formatTime(1000)}`,
    });
  });

  test('finds out how a wait ended before it goes on', () => {
    const record = recordOf(membersOf(2, two), { status: 'paused', stop: 'inconclusive' });
    const members = record.members.map((member) => ({ ...member, state: 'inconclusive' as const }));
    const [first, second] = members;
    const outcomes = { ...record, members: [{ ...first, outcome: 'waiting' }, second] } as typeof record;
    expect(unfinishedMembers(outcomes).map(({ name }) => name)).toEqual(['c0']);
  });

  test('goes on without the ones that were not confirmed, unless they are to be tried again', () => {
    const record = recordOf(membersOf(3, two), { status: 'stopped', stop: 'not-confirmed' });
    const states = ['kept', 'unconfirmed', 'pending'] as const;
    const stopped = {
      ...record,
      members: record.members.map((member, index) => ({ ...member, state: states[index] ?? 'pending' })),
    };
    const names = (retryFailed: boolean): string[] =>
      resumeEvent(stopped, two, { holder, seen: stopped, retryFailed }).members.map(({ name }) => name);
    expect(names(false)).toEqual(['c2']);
    expect(names(true)).toEqual(['c1', 'c2']);
  });
});

describe('the gate of a wave', () => {
  const { members } = recordOf(membersOf(4, two));
  const [first, second, third] = members.map(({ id }) => id) as [string, string, string, string];
  const never = new AbortController().signal;

  async function isOpen(arrival: Promise<void>): Promise<boolean> {
    let open = false;
    void arrival.then(() => (open = true));
    await new Promise((resolve) => setImmediate(resolve));
    return open;
  }

  test('opens when the last instance of the wave is there, whatever other waves do', async () => {
    const gate = createWaveGate(members);
    const arrival = gate.arrive(first, never);
    void gate.arrive(third, never);
    expect(await isOpen(arrival)).toBe(false);
    void gate.arrive(second, never);
    expect(await isOpen(arrival)).toBe(true);
  });

  test('does not wait for a run that has ended, nor after an interruption', async () => {
    const gate = createWaveGate(members);
    const arrival = gate.arrive(first, never);
    gate.leave(second);
    expect(await isOpen(arrival)).toBe(true);
    const interrupted = new AbortController();
    const other = createWaveGate(members).arrive(first, interrupted.signal);
    expect(await isOpen(other)).toBe(false);
    interrupted.abort();
    expect(await isOpen(other)).toBe(true);
  });
});
