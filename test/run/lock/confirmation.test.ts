import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseConfirmation,
  settle,
  type Confirmation,
  type ConfirmationAction,
} from '../../../src/run/lock/confirmation.ts';
import { deadlineAfter, parseDeadline, remainingMs, type ClockReading } from '../../../src/deadline.ts';

const boot = (sinceBootMs: number, now = 1_000_000 + sinceBootMs): ClockReading => ({ now, bootId: 'b1', sinceBootMs });
const holder = { host: 'h', bootId: 'b1', pid: 1, network: 'n', id: 'one' };
const waiting = (ms: number): Confirmation => ({ state: 'waiting', deadline: deadlineAfter(boot(0), ms) });

describe('the deadline', () => {
  test('is kept by the time since boot where the wall clock is set back or forward', () => {
    const deadline = deadlineAfter(boot(0), 60_000);
    expect(remainingMs(deadline, boot(10_000, 0))).toBe(50_000);
    expect(remainingMs(deadline, boot(10_000, 9e12))).toBe(50_000);
  });

  test('is kept by the wall clock after a reboot', () => {
    const deadline = deadlineAfter(boot(0), 60_000);
    expect(remainingMs(deadline, { now: 1_000_000 + 61_000, bootId: 'b2', sinceBootMs: 500 })).toBe(-1000);
  });

  test('is read back as it was written, and from nothing else', () => {
    const deadline = deadlineAfter(boot(5), 60_000);
    expect(parseDeadline(JSON.parse(JSON.stringify(deadline)))).toEqual(deadline);
    for (const value of [
      null,
      1,
      'x',
      {},
      { at: '1', bootId: 'b', sinceBootMs: 1 },
      { at: 1, bootId: 1, sinceBootMs: 1 },
      // Anybody who may configure the instance can write these, and no Date can show them.
      { at: 1e300, bootId: 'b', sinceBootMs: 1 },
      { at: Infinity, bootId: 'b', sinceBootMs: 1 },
      { at: 1, bootId: 'b', sinceBootMs: 1e300 },
    ])
      expect(parseDeadline(value)).toBeNull();
  });
});

describe('settling a confirmation', () => {
  test('confirms before the deadline and not after it', () => {
    expect(settle(waiting(100), { kind: 'confirm' }, boot(99), holder)).toMatchObject({
      ok: true,
      value: { state: 'confirmed' },
    });
    expect(settle(waiting(100), { kind: 'confirm' }, boot(100), holder)).toEqual({ ok: false, error: 'expired' });
  });

  test('expires at the deadline and not before it', () => {
    expect(settle(waiting(100), { kind: 'expire' }, boot(99), holder)).toEqual({ ok: false, error: 'not-due' });
    expect(settle(waiting(100), { kind: 'expire' }, boot(100), holder)).toMatchObject({
      ok: true,
      value: { state: 'expired' },
    });
  });

  test('stays settled by the first that did it', () => {
    const other = { ...holder, id: 'two' };
    const first = settle(waiting(100), { kind: 'expire' }, boot(100), holder);
    const again = first.ok ? settle(first.value, { kind: 'expire' }, boot(200), other) : first;
    expect(again).toMatchObject({ ok: true, value: { state: 'expired', settledBy: { id: 'one' } } });
  });

  test('an extension counts from now', () => {
    const extended = settle(waiting(100), { kind: 'extend', ms: 500 }, boot(50), holder);
    expect(extended.ok && remainingMs(extended.value.deadline, boot(50))).toBe(500);
    expect(settle(waiting(100), { kind: 'extend', ms: 500 }, boot(100), holder)).toEqual({
      ok: false,
      error: 'expired',
    });
  });

  test('whatever is done in whatever order, it ends in at most one final state and stays there', () => {
    const action = fc.oneof(
      fc.constant<ConfirmationAction>({ kind: 'confirm' }),
      fc.constant<ConfirmationAction>({ kind: 'refuse' }),
      fc.constant<ConfirmationAction>({ kind: 'expire' }),
      fc.record({ kind: fc.constant('extend' as const), ms: fc.integer({ min: 1, max: 1000 }) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(action, fc.integer({ min: 0, max: 300 }))), (steps) => {
        const states = [waiting(500)];
        let at = 0;
        for (const [wanted, pause] of steps) {
          at += pause;
          const now = states.at(-1) ?? waiting(500);
          const settled = settle(now, wanted, boot(at), holder);
          states.push(settled.ok ? settled.value : now);
        }
        const final = states.map(({ state }) => state).filter((state) => state !== 'waiting');
        expect(new Set(final).size).toBeLessThanOrEqual(1);
        // Once final, always final.
        expect(states.slice(states.length - final.length).map(({ state }) => state)).toEqual(final);
      }),
    );
  });

  test('is read back as it was written, and from nothing else', () => {
    const settled = { ...waiting(5), state: 'expired', settledBy: holder, retention: { keep: 3, expiresMs: null } };
    for (const one of [waiting(5), settled]) expect(parseConfirmation(JSON.parse(JSON.stringify(one)))).toEqual(one);
    for (const value of [null, {}, { ...waiting(5), state: 'done' }, { state: 'waiting' }])
      expect(parseConfirmation(value)).toBeNull();
  });

  test('ignores a retention that is none', () => {
    const usual = { keep: 3, expiresMs: null };
    expect(parseConfirmation({ ...waiting(5), retention: usual })?.retention).toEqual(usual);
    for (const retention of [
      { keep: -1, expiresMs: null },
      { keep: 0.5, expiresMs: null },
      { keep: 3, expiresMs: 1e300 },
      { keep: 3, expiresMs: -1 },
    ])
      expect(parseConfirmation({ ...waiting(5), retention })?.retention).toBeUndefined();
  });
});
