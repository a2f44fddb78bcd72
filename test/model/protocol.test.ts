import { describe, expect, test } from 'vitest';
import { brokenPromise, nextOf, rules, startOf, type RateLimiter, type Rules } from './protocol.ts';
import { explore, type SearchResult } from './search.ts';

// Every state is visited: two runs, two recoveries, and the misfortunes of each row, in every order (issue 13).

const nothing: RateLimiter = {
  crashes: 0,
  lostAnswers: 0,
  silences: 0,
  unseenSilences: 0,
  delays: 0,
  fullDisks: 0,
  tornRecords: 0,
  userActs: 0,
  confirmations: 0,
  wrongTakeovers: 0,
};

const search = (protocol: Rules, budget: Partial<RateLimiter>): SearchResult =>
  explore({
    start: startOf({ ...nothing, ...budget }),
    next: nextOf(protocol),
    broken: brokenPromise,
    mostStates: 400_000,
  });

describe('the protocol keeps every promise in every order of events', () => {
  test.each<[string, Partial<RateLimiter>]>([
    ['two crashes (F12, F14)', { crashes: 2 }],
    ['a crash and a lost answer (F7)', { crashes: 1, lostAnswers: 1 }],
    ['a guard that is cut off for longer than the lease (F13)', { silences: 1, lostAnswers: 1 }],
    ['a guard that stands still and does not know', { unseenSilences: 1 }],
    ['a crash, a full disk and a torn record', { crashes: 1, fullDisks: 1, tornRecords: 1 }],
    ['a crash, and a user who deletes, renames or restores the restore point', { crashes: 1, userActs: 1 }],
    ['a user who acts while a guard is cut off', { silences: 1, userActs: 1 }],
    ['a person who takes over from a living guard', { wrongTakeovers: 1, lostAnswers: 1 }],
    ['a request that arrives at any later time', { silences: 1, delays: 1 }],
    ['a change that waits for its confirmation, and a crash (F12)', { confirmations: 1, crashes: 1 }],
    ['a change that waits, and two crashes', { confirmations: 1, crashes: 2 }],
    ['a change that waits, and a guard that is cut off', { confirmations: 1, silences: 1 }],
    ['a change that waits, and a lost answer', { confirmations: 1, lostAnswers: 1 }],
    ['a change that waits, and a person who takes over from its living guard', { confirmations: 1, wrongTakeovers: 1 }],
    ['a change that waits, and a user who acts', { confirmations: 1, userActs: 1 }],
  ])(
    'with %s',
    (_name, budget) => {
      const { states, depth, broken } = search(rules, budget);
      expect(broken).toBeNull();
      expect(states).toBeGreaterThan(1000);
      expect(depth).toBeGreaterThan(20);
      // Some 100,000 states, on a busy machine.
    },
    180_000,
  );
});

describe('each rule is needed: without it the model finds how a promise is broken', () => {
  test.each<[string, Partial<Rules>, Partial<RateLimiter>, RegExp]>([
    ['one question before several requests', { proof: 'once' }, { unseenSilences: 1 }, /^4/],
    ['going on after a silence', { proof: 'once', silence: 'goes-on' }, { silences: 1 }, /^4/],
    ['a name and a number taken for an identity', { proof: 'once', identity: 'believed' }, {}, /^4/],
    [
      'a command without its record',
      { record: 'is-told', marker: 'yields-to-record' },
      { crashes: 1, fullDisks: 1 },
      /^5/,
    ],
    ['a record that counts more than the marker', { marker: 'yields-to-record' }, { crashes: 1, tornRecords: 1 }, /^5/],
    ['a takeover that leaves the etag as it is', { takeover: 'silent' }, { silences: 1, delays: 1 }, /^[24]/],
    ['removing under a name that others use', { removal: 'shared-name' }, { silences: 1, delays: 1 }, /^2/],
    ['a missing snapshot taken for a renamed one', { renaming: 'missing-is-success' }, { userActs: 1 }, /^5/],
    ['giving up a change without comparing', { refusal: 'read-first' }, { confirmations: 1 }, /^5/],
    ['taking a marker that is gone for a decision to keep', { keeping: 'assumed' }, { crashes: 1 }, /^5/],
    [
      'a record that counts more than the note of another host',
      { keptNote: 'yields-to-record' },
      { confirmations: 1, crashes: 2 },
      /^5/,
    ],
    ['a marker that anybody may overwrite', { staleMarker: 'any' }, { userActs: 1 }, /^4/],
  ])('%s', (_name, change, budget, promise) => {
    expect(search({ ...rules, ...change }, budget).broken?.promise).toMatch(promise);
  });
});
