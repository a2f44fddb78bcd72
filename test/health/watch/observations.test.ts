import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createObservationLog, thinOut } from '../../../src/health/watch/observations.ts';

const finding = (message: string) => ({ message });

describe('the observations of a watch', () => {
  test('are all kept where there are few, each with its message where that is another one', () => {
    const log = createObservationLog();
    log.add(1, [finding('a'), finding('b')]);
    log.add(2, [finding('a')]);
    log.add(3, []);
    log.add(4, [finding('a')]);
    expect(log.observations()).toEqual([
      { at: 1, waitingFor: 2, message: 'a' },
      { at: 2, waitingFor: 1 },
      { at: 3, waitingFor: 0 },
      { at: 4, waitingFor: 1, message: 'a' },
    ]);
  });

  test('stay small whatever an instance says for ten minutes', () => {
    const log = createObservationLog();
    for (let at = 0; at < 10_000; at += 1) log.add(at, [finding(`${at}\u001b${'x'.repeat(100_000)}`)]);
    expect(JSON.stringify(log.observations()).length).toBeLessThan(32 * 1024);
    expect(JSON.stringify(log.observations())).not.toContain('\\u001b');
  });

  test('that differ from the one before are the last to be left out', () => {
    const one = fc.record({ waitingFor: fc.constantFrom(0, 1), message: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 200 }), fc.integer({ min: 2, max: 100 }), (list, most) => {
        const all = list.map((observation, at) => ({ ...observation, at }));
        const kept = thinOut(all, most);
        expect(kept.length).toBe(Math.min(most, all.length));
        expect(kept.map(({ at }) => at)).toEqual(kept.map(({ at }) => at).toSorted((x, y) => x - y));
        expect(kept[0]).toBe(all[0]);
        expect(kept.at(-1)).toBe(all.at(-1));
        const changes = all.filter(
          ({ message, waitingFor }, at) => message !== all[at - 1]?.message || waitingFor !== all[at - 1]?.waitingFor,
        );
        const mustStay = changes.length < most - 1 ? changes : [];
        expect(kept).toEqual(expect.arrayContaining(mustStay));
      }),
    );
  });
});
