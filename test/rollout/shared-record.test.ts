import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { RolloutRecord } from '../../src/rollout/record.ts';
import { claimInstances, createPublisher, type ClaimedState } from '../../src/rollout/shared-publisher.ts';
import {
  decodeRollouts,
  encodeRollouts,
  type SharedStore,
  type StoreFailure,
} from '../../src/rollout/shared-record.ts';
import { holder, membersOf, oneByOne, otherHolder, recordOf, rolloutId } from './record-samples.ts';

interface TestStore extends SharedStore {
  text: () => string | null;
  /** Somebody else writes between the next read and write. */
  disturb: (text: string | null) => void;
}

function storeIn(project: string, failure: StoreFailure | null = null): TestStore {
  let text: string | null = null;
  let revision = 0;
  let disturbance: { text: string | null } | null = null;
  return {
    id: project,
    remote: null,
    project,
    editCommand: `lxc project edit ${project}`,
    text: () => text,
    disturb: (other) => {
      disturbance = { text: other };
    },
    read: async () => {
      if (failure !== null) return { ok: false, error: failure };
      const read = { text, revision: String(revision) };
      if (disturbance !== null) {
        text = disturbance.text;
        revision += 1;
        disturbance = null;
      }
      return { ok: true, value: read };
    },
    write: async (written, expected) => {
      if (expected !== String(revision)) return { ok: false, error: { kind: 'changed', message: 'changed.' } };
      text = written;
      revision += 1;
      return { ok: true, value: undefined };
    },
  };
}

function claim(
  record: RolloutRecord,
  stores: readonly TestStore[],
  more: { life?: 'alive' | 'dead' | 'elsewhere'; from?: ClaimedState } = {},
) {
  return claimInstances(record, {
    clock: systemClock,
    stores,
    storeOf: ({ project }) => stores.find((store) => store.project === project) as SharedStore,
    lookAtHolder: () => more.life ?? 'alive',
    from: more.from ?? null,
  });
}

/** What another host reads of the first rollout before it takes it over. */
function stateOf(...stores: readonly TestStore[]): ClaimedState {
  const beatIn = (store: TestStore) => decodeRollouts(store.text(), store)?.get(rolloutId)?.beat ?? null;
  return { record: first, beats: new Map(stores.map((store) => [store.id, beatIn(store)])) };
}

function publisherTo(store: SharedStore, onPublished: () => void) {
  return createPublisher({
    clock: { ...systemClock, sleep: async () => {} },
    stores: [store],
    storeOf: () => store,
    onTrouble: () => {},
    onTakenOver: () => {},
    onPublished,
  });
}

const first = recordOf(membersOf(3, oneByOne));
const second = { ...recordOf(membersOf(2, oneByOne)), id: '20261129-230001-bbbb', holder: otherHolder };
const elsewhere = { ...recordOf(membersOf(2, oneByOne, 'shop')), id: '20261129-230002-cccc' };

test('what is written is read again, and another host sees its own name of the server', async () => {
  const store = storeIn('default');
  expect(await claim(first, [store])).toEqual({ ok: true, value: { unwritable: [] } });
  const read = decodeRollouts(store.text(), store)?.get(rolloutId);
  expect(read?.record).toEqual(first);
  const remote = decodeRollouts(store.text(), { remote: 'prod' })?.get(rolloutId);
  expect(remote?.record.members[0]).toMatchObject({ remote: 'prod', id: 'prod:default/c0', label: 'c0' });
});

test.each([
  ['alive', 'busy', /is in progress/],
  ['elsewhere', 'busy', /takes the rollout over/],
  ['dead', 'refused', /was interrupted/],
] as const)('a second rollout over one of the instances, first %s: %s', async (life, kind, text) => {
  const store = storeIn('default');
  await claim(first, [store]);
  const refused = await claim(second, [store], { life });
  expect(refused).toMatchObject({ ok: false, error: { kind } });
  expect(JSON.stringify(refused)).toMatch(text);
  expect([...(decodeRollouts(store.text(), store)?.keys() ?? [])]).toEqual([rolloutId]);
});

test('other instances of the same project may have a rollout of their own', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  const members = membersOf(9, oneByOne).slice(5);
  expect(await claim({ ...second, members: recordOf(members).members }, [store])).toMatchObject({ ok: true });
  expect(decodeRollouts(store.text(), store)?.size).toBe(2);
});

test('a paused one is in the way, a stopped one is replaced', async () => {
  const store = storeIn('default');
  await claim({ ...first, status: 'paused' }, [store]);
  expect(await claim(second, [store])).toMatchObject({ ok: false, error: { kind: 'refused' } });
  const other = storeIn('default');
  await claim({ ...first, status: 'stopped' }, [other]);
  expect(await claim(second, [other])).toMatchObject({ ok: true });
  expect([...(decodeRollouts(other.text(), other)?.keys() ?? [])]).toEqual([second.id]);
});

test('a conflict in the second project takes the first one back', async () => {
  const stores = [storeIn('default'), storeIn('shop')] as const;
  await claim(elsewhere, [stores[1]]);
  const both = recordOf([...membersOf(1, oneByOne), ...membersOf(1, oneByOne, 'shop')], { id: second.id });
  expect(await claim(both, stores)).toMatchObject({ ok: false });
  expect(stores[0].text()).toBeNull();
});

test('somebody else who writes at the same moment loses nothing', async () => {
  const store = storeIn('shop');
  await claim(elsewhere, [store]);
  const theirs = store.text();
  const mine = storeIn('shop');
  mine.disturb(theirs);
  await claim({ ...recordOf(membersOf(9, oneByOne, 'shop').slice(5)), id: second.id }, [mine]);
  expect([...(decodeRollouts(mine.text(), mine)?.keys() ?? [])].toSorted()).toEqual(
    [second.id, elsewhere.id].toSorted(),
  );
});

test.each(['nonsense', '{"v":2,"rollouts":{}}', '{"v":1,"rollouts":{"../x":{}}}', '[]'])(
  'what it cannot read it does not write over, and nothing begins beside it: %s',
  async (text) => {
    const store = storeIn('default');
    store.disturb(text);
    await store.read();
    expect(decodeRollouts(text, store)).toBeNull();
    const claimed = await claim(first, [store]);
    expect(claimed).toMatchObject({ ok: false, error: { kind: 'refused' } });
    expect(JSON.stringify(claimed)).toContain('lxc project edit default');
    expect(store.text()).toBe(text);
  },
);

test('of two rollouts over the same two projects that begin at the same moment one gets both', async () => {
  const stores = [storeIn('default'), storeIn('shop')] as const;
  const members = recordOf([...membersOf(1, oneByOne), ...membersOf(1, oneByOne, 'shop')]);
  const claims = await Promise.all([
    claim(members, stores),
    claim({ ...members, id: second.id, holder: otherHolder }, stores.toReversed()),
  ]);
  expect(claims.filter(({ ok }) => ok)).toHaveLength(1);
});

test('a server that does not answer takes the claims of the others back', async () => {
  const failure = { kind: 'other', message: 'It does not answer.' } as const;
  const stores = [storeIn('default'), storeIn('shop', failure)] as const;
  const both = recordOf([...membersOf(1, oneByOne), ...membersOf(1, oneByOne, 'shop')]);
  expect(await claim(both, stores)).toMatchObject({ ok: false, error: { kind: 'refused', message: failure.message } });
  expect(stores[0].text()).toBeNull();
});

test('where nobody may write, the claim says so and goes on', async () => {
  const failure = { kind: 'forbidden', message: 'not permitted.' } as const;
  const store = storeIn('default', failure);
  expect(await claim(first, [store])).toMatchObject({ ok: true, value: { unwritable: [{ store, failure }] } });
});

test('a publisher keeps the newest, removes what is complete, and sees a takeover', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  let takenOver = false;
  const publisher = createPublisher({
    clock: systemClock,
    stores: [store],
    storeOf: () => store,
    onTrouble: () => {},
    onTakenOver: () => {
      takenOver = true;
    },
    onPublished: () => {},
  });
  const states = ['running', 'paused', 'interrupted'] as const;
  await Promise.all(states.map((status) => publisher.publish({ ...first, status })));
  expect(decodeRollouts(store.text(), store)?.get(rolloutId)?.record.status).toBe('interrupted');
  expect(takenOver).toBe(false);
  expect(await claim({ ...first, holder: otherHolder }, [store], { from: stateOf(store) })).toMatchObject({ ok: true });
  await publisher.publish(first);
  expect(takenOver).toBe(true);
  expect(decodeRollouts(store.text(), store)?.get(rolloutId)?.record.holder).toEqual(otherHolder);
  publisher.close();
  const mine = createPublisher({
    clock: systemClock,
    stores: [store],
    storeOf: () => store,
    onTrouble: () => {},
    onTakenOver: () => {},
    onPublished: () => {},
  });
  await mine.publish({ ...first, holder: otherHolder, status: 'complete' });
  expect(store.text()).toBeNull();
  mine.close();
});

test('two that take it over at once: one of them has it', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  const from = stateOf(store);
  const a = await claim({ ...first, holder: otherHolder }, [store], { from });
  const b = await claim({ ...first, holder: { ...otherHolder, id: 'c', pid: 9 } }, [store], { from });
  expect([a.ok, b.ok]).toEqual([true, false]);
});

test('a host that wakes between the look at its record and the claim keeps its rollout', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  const from = stateOf(store);
  const publisher = publisherTo(store, () => {});
  await publisher.publish({
    ...first,
    members: first.members.map((member) => ({ ...member, state: 'kept' as const })),
  });
  publisher.close();
  const claimed = await claim({ ...first, holder: otherHolder }, [store], { from });
  expect(claimed).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining('in progress on host alpha') },
  });
  const left = decodeRollouts(store.text(), store)?.get(rolloutId)?.record;
  expect(left).toMatchObject({ holder, members: [{ state: 'kept' }, { state: 'kept' }, { state: 'kept' }] });
});

test('a host that wakes and ends its rollout before the claim has ended it', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  const from = stateOf(store);
  const publisher = publisherTo(store, () => {});
  await publisher.publish({ ...first, status: 'complete' });
  publisher.close();
  expect(await claim({ ...first, holder: otherHolder }, [store], { from })).toMatchObject({ ok: false });
  expect(store.text()).toBeNull();
});

test('a claim that another rollout stood in the way of in the second project can be repeated', async () => {
  const stores = [storeIn('default'), storeIn('shop')] as const;
  const both = recordOf([...membersOf(1, oneByOne), ...membersOf(1, oneByOne, 'shop')], { status: 'stopped' });
  await claim(both, stores);
  const from = { ...stateOf(...stores), record: both };
  const before = stores.map((store) => store.text());
  await claim(elsewhere, [stores[1]]);
  const resumed = { ...both, holder: otherHolder };
  expect(await claim(resumed, stores, { from })).toMatchObject({ ok: false, error: { kind: 'busy' } });
  expect(stores[0].text()).toBe(before[0]);
  stores[1].disturb(before[1] ?? null);
  await stores[1].read();
  expect(await claim(resumed, stores, { from })).toMatchObject({ ok: true });
});

test('a write that lost against others every time is tried again with the next record', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  let isContended = true;
  let published = 0;
  const changed = { ok: false, error: { kind: 'changed', message: 'changed.' } } as const;
  const contended: SharedStore = {
    ...store,
    write: async (...written) => (isContended ? changed : store.write(...written)),
  };
  const publisher = publisherTo(contended, () => (published += 1));
  await publisher.publish({ ...first, status: 'paused' });
  await publisher.renew();
  expect(published).toBe(0);
  isContended = false;
  await publisher.renew();
  expect(published).toBe(1);
  expect(decodeRollouts(store.text(), store)?.get(rolloutId)?.record.status).toBe('paused');
  publisher.close();
});

test.each(['forbidden', 'taken over'])('what is not written any more is not published: %s', async (why) => {
  const store = storeIn('default');
  await claim({ ...first, holder: why === 'taken over' ? otherHolder : holder }, [store]);
  let published = 0;
  let writes = 0;
  const forbidden = { ok: false, error: { kind: 'forbidden', message: 'not permitted.' } } as const;
  const closed: SharedStore = {
    ...store,
    write: async () => {
      writes += 1;
      return forbidden;
    },
  };
  const publisher = publisherTo(closed, () => (published += 1));
  expect(await publisher.publish(first)).toMatchObject({ ok: false, error: { isFinal: true } });
  expect(await publisher.renew()).toMatchObject({ ok: false });
  expect(await publisher.proveOwn()).toMatchObject({ ok: false });
  publisher.close();
  expect({ published, writes }).toEqual({ published: 0, writes: why === 'forbidden' ? 1 : 0 });
});

test('a host that wakes after another one has ended its rollout finds that', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  const from = stateOf(store);
  const other = { ...first, holder: otherHolder };
  expect(await claim(other, [store], { from })).toMatchObject({ ok: true });
  const theirs = publisherTo(store, () => {});
  await theirs.publish({ ...other, status: 'complete' });
  theirs.close();
  const ours = publisherTo(store, () => {});
  expect(await ours.publish(first)).toMatchObject({ ok: false, error: { isFinal: true } });
  ours.close();
  expect(store.text()).toBeNull();
});

test('a rollout that was published half a minute ago is proven anew', async () => {
  const store = storeIn('default');
  await claim(first, [store]);
  let now = 0;
  const publisher = createPublisher({
    clock: { ...systemClock, boottime: () => now },
    stores: [store],
    storeOf: () => store,
    onTrouble: () => {},
    onTakenOver: () => {},
    onPublished: () => {},
  });
  await publisher.publish(first);
  expect(await claim({ ...first, holder: otherHolder }, [store], { from: stateOf(store) })).toMatchObject({ ok: true });
  now = 29_999;
  expect(await publisher.proveOwn()).toMatchObject({ ok: true });
  now = 30_000;
  expect(await publisher.proveOwn()).toMatchObject({ ok: false });
  publisher.close();
});

test('nothing is nothing', () => {
  expect(encodeRollouts(new Map())).toBeNull();
  expect(decodeRollouts('', { remote: null })).toEqual(new Map());
});
