import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/clock.ts';
import { closeIncus, openIncus, type Incus } from '../../../src/platform/incus/http/client.ts';
import { getInstance } from '../../../src/platform/incus/instances/instance.ts';
import { settle } from '../../../src/platform/incus/http/operations.ts';
import { createSnapshot, deleteSnapshot, restoreSnapshot } from '../../../src/platform/incus/instances/snapshot.ts';
import { failure, value } from '../conformance.ts';
import { startFakeIncus, type FakeIncus } from './fake-server.ts';
import { manualClock } from './manual-clock.ts';

let fake: FakeIncus;
let incus: Incus;

beforeEach(async () => {
  fake = await startFakeIncus();
  incus = openIncus({ socket: fake.socket, project: 'default', clock: systemClock });
});
afterEach(async () => {
  closeIncus(incus);
  await fake.close();
});

const wanted = { name: 'g1', expiresAt: null };
const limit = { limitMs: 10_000 };
const sent = (method: string): string[] =>
  fake.requests.filter((request) => request.method === method).map((request) => request.pathname);

describe('an operation that fails', () => {
  it.each([false, true])('is a failure although the status is 200 (newer way: %s)', async (newer) => {
    fake.newerWait = newer;
    value(await createSnapshot(incus, 'c1', wanted, limit));
    const again = failure(await createSnapshot(incus, 'c1', wanted, limit));
    expect(again).toMatchObject({ kind: 'name-taken', code: newer ? 400 : 500 });
    expect(again.detail).toContain('UNIQUE constraint');
  });

  it('is waited for at once, and without a limit on the side of the server', async () => {
    value(await createSnapshot(incus, 'c1', wanted, limit));
    const [post, wait] = fake.requests;
    expect(post?.method).toBe('POST');
    expect(wait?.pathname).toMatch(/^\/1\.0\/operations\/[^/]+\/wait$/);
    expect(wait?.query.get('timeout')).toBe('-1');
  });
});

describe('an operation whose end was not seen (F7)', () => {
  it('is unknown at the limit, names the operation, and was asked for once', async () => {
    const clock = manualClock();
    const slow = openIncus({ socket: fake.socket, project: 'default', clock });
    fake.hold();
    const pending = createSnapshot(slow, 'c1', wanted, { limitMs: 60_000 });
    await fake.waitedFor();
    clock.advance(60_000);
    const late = failure(await pending);
    expect(late).toMatchObject({ kind: 'timed-out', code: null, detail: 'it had not ended after 1 min.' });
    expect(late.operation).not.toBeNull();
    expect(sent('POST')).toHaveLength(1);

    fake.release();
    const end = value(await settle(incus, late.operation ?? '', { purpose: 'x', ...limit }));
    expect(end.kind).toBe('succeeded');
    closeIncus(slow);
  });

  it('still runs after a limit of its own', async () => {
    fake.hold();
    const late = failure(await createSnapshot(incus, 'c1', wanted, { limitMs: 50 }));
    const still = failure(await settle(incus, late.operation ?? '', { purpose: 'x', limitMs: 1 }));
    expect(still).toMatchObject({ kind: 'timed-out', operation: late.operation });
    fake.release();
  });

  it('is unknown when the daemon goes away, and gone when it is back', async () => {
    fake.hold();
    const pending = restoreSnapshot(incus, 'c1', 'g1', limit);
    await fake.waitedFor();
    fake.restart();
    const lost = failure(await pending);
    expect(lost).toMatchObject({ kind: 'connection-lost', code: null });
    expect(lost.operation).not.toBeNull();
    expect(value(await settle(incus, lost.operation ?? '', { purpose: 'x', ...limit }))).toEqual({ kind: 'gone' });
    expect(sent('PUT')).toHaveLength(1);
  });

  it('is looked for again while the daemon is away', async () => {
    fake.hold();
    const late = failure(await createSnapshot(incus, 'c1', wanted, { limitMs: 50 }));
    let refusals = 2;
    fake.fault((_request, response) => {
      if (refusals === 0) return false;
      refusals -= 1;
      response.destroy();
      return true;
    });
    fake.release();
    const end = value(await settle(incus, late.operation ?? '', { purpose: 'x', ...limit }));
    expect(end.kind).toBe('succeeded');
    expect(refusals).toBe(0);
  });

  it('is unknown when the server forgot it before it was asked', async () => {
    fake.fault((request, response) => {
      if (!request.pathname.endsWith('/wait')) return false;
      response.writeHead(404);
      response.end('{"type":"error","error_code":404,"error":"Operation not found","metadata":null}');
      return true;
    });
    const lost = failure(await createSnapshot(incus, 'c1', wanted, limit));
    expect(lost).toMatchObject({ kind: 'connection-lost', detail: 'the server no longer knows how it ended.' });
    expect(lost.operation).not.toBeNull();
  });

  it.each([
    ['torn', '{"type":"sync","meta'],
    ['empty', ''],
  ])('is unknown when the answer to the wait is %s', async (_what, body) => {
    fake.fault((request, response) => {
      if (!request.pathname.endsWith('/wait')) return false;
      response.end(body);
      return true;
    });
    const lost = failure(await createSnapshot(incus, 'c1', wanted, limit));
    expect(lost.kind).toBe('connection-lost');
    expect(lost.operation).not.toBeNull();
  });

  it('is waited for on when a newer server answers the wait early', async () => {
    let early = 1;
    fake.fault((request, response) => {
      if (!request.pathname.endsWith('/wait') || early === 0) return false;
      early -= 1;
      response.end('{"type":"sync","status_code":200,"metadata":{"status":"Running","status_code":103,"err":""}}');
      return true;
    });
    expect(value(await createSnapshot(incus, 'c1', wanted, limit)).name).toBe('g1');
  });
});

describe('removing a snapshot', () => {
  it('is refused while a restore of the instance is under way', async () => {
    value(await createSnapshot(incus, 'c1', wanted, limit));
    fake.hold();
    const restoring = restoreSnapshot(incus, 'c1', 'g1', limit);
    await fake.waitedFor();
    const refused = failure(await deleteSnapshot(incus, 'c1', 'g1', limit));
    expect(refused).toMatchObject({ kind: 'busy', code: null, detail: 'a restore is in progress.' });
    expect(sent('DELETE')).toEqual([]);
    fake.release();
    value(await restoring);
    value(await deleteSnapshot(incus, 'c1', 'g1', limit));
    expect(sent('DELETE')).toEqual(['/1.0/instances/c1/snapshots/g1']);
  });

  it('is not tried when what is under way cannot be seen', async () => {
    fake.fault((request, response) => {
      if (request.pathname !== '/1.0/operations') return false;
      response.destroy();
      return true;
    });
    expect(failure(await deleteSnapshot(incus, 'c1', 'g1', limit)).kind).toBe('connection-lost');
    expect(sent('DELETE')).toEqual([]);
  });
});

describe('a snapshot that is taken while another one is', () => {
  const busy = (operation: string, times: number): void => {
    fake.fault((request, response) => {
      if (request.method !== 'POST' || times === 0) return false;
      times -= 1;
      const error = `Failed creating instance snapshot record "g1": Instance is busy running a "${operation}" operation`;
      response.writeHead(500).end(JSON.stringify({ type: 'error', error_code: 500, error, metadata: null }));
      return true;
    });
  };

  it.each(['create', 'update', 'delete'])('is asked for again until the %s of the other one is over', async (other) => {
    busy(other, 3);
    expect(value(await createSnapshot(incus, 'c1', wanted, limit)).name).toBe('g1');
    expect(sent('POST')).toHaveLength(4);
  });

  it('is not asked for again beyond the limit, nor because of anything else', async () => {
    busy('create', 99);
    expect(failure(await createSnapshot(incus, 'c1', wanted, { limitMs: 700 })).kind).toBe('busy');
    const before = sent('POST').length;
    busy('stop', 99);
    expect(failure(await createSnapshot(incus, 'c1', wanted, limit)).kind).toBe('busy');
    expect(sent('POST')).toHaveLength(before + 1);
  });
});

describe('a snapshot that the server does not list afterwards (F1)', () => {
  it('is a failure', async () => {
    fake.fault((request, response) => {
      if (request.method !== 'GET' || !request.pathname.endsWith('/snapshots/g1')) return false;
      response.writeHead(404);
      response.end('{"type":"error","error_code":404,"error":"Instance snapshot not found","metadata":null}');
      return true;
    });
    const lost = failure(await createSnapshot(incus, 'c1', wanted, limit));
    expect(lost).toMatchObject({ kind: 'not-found', purpose: 'take the snapshot g1 of c1' });
    expect(value(await getInstance(incus, 'c1')).name).toBe('c1');
  });
});
