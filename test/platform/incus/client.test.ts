import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { assert as always, asyncProperty, constantFrom, oneof, string } from 'fast-check';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';

import { systemClock } from '../../../src/clock.ts';
import {
  closeIncus,
  openIncus,
  type Call,
  type Incus,
  type RequestInfo,
} from '../../../src/platform/incus/http/client.ts';
import { deleteFile, makeDirectory, pushFile } from '../../../src/platform/incus/instances/files.ts';
import { describeFailure } from '../../../src/platform/failure.ts';
import { getInstance, patchInstance, stopInstance } from '../../../src/platform/incus/instances/instance.ts';
import { deleteSnapshot } from '../../../src/platform/incus/instances/snapshot.ts';
import { getServer } from '../../../src/platform/incus/http/server.ts';
import { deleteVolumeSnapshot } from '../../../src/platform/incus/storage/volume.ts';
import { failure, value } from '../conformance.ts';
import { startFakeIncus, type FakeIncus } from './fake-server.ts';
import { manualClock } from './manual-clock.ts';

let fake: FakeIncus;
let incus: Incus;
let seen: RequestInfo[];

beforeEach(async () => {
  fake = await startFakeIncus();
  seen = [];
  incus = openIncus({
    socket: fake.socket,
    project: 'p 1',
    clock: systemClock,
    onRequest: (request) => seen.push(request),
  });
});
afterEach(async () => {
  closeIncus(incus);
  await fake.close();
});

describe('every request', () => {
  it('names the project, and is seen before it is sent', async () => {
    const { revision } = value(await getInstance(incus, 'c1'));
    value(await patchInstance(incus, 'c1', { metadata: { a: 'b' }, description: '', revision }));
    expect(fake.requests.map((request) => request.query.get('project'))).toEqual(['p 1', 'p 1']);
    expect(seen).toEqual([
      { method: 'GET', path: '/1.0/instances/c1?project=p+1' },
      {
        method: 'PATCH',
        path: '/1.0/instances/c1?project=p+1',
        body: { config: { 'user.guard.a': 'b' }, description: '' },
      },
    ]);
  });

  it('has a limit, by the clock that was passed in', async () => {
    const clock = manualClock();
    const slow = openIncus({ socket: fake.socket, project: 'default', clock });
    fake.fault(() => true);
    const pending = getInstance(slow, 'c1');
    await clock.sleeping(30_000);
    clock.advance(30_000);
    const late = failure(await pending);
    expect(late).toMatchObject({ kind: 'timed-out', code: null, detail: 'no answer within 30 s.' });
    closeIncus(slow);
  });

  it('keeps its connection for reading', async () => {
    value(await getServer(incus));
    value(await getInstance(incus, 'c1'));
    value(await getServer(incus));
    expect(fake.connections()).toBe(1);
  });

  it('reads again when an idle connection turns out to be dead', async () => {
    value(await getServer(incus));
    fake.dropNextRequestOfUsedConnection();
    value(await getServer(incus));
    expect(fake.connections()).toBe(2);
  });

  it('is sent again after the 305 of a remote proxy that renewed its token, and not for ever', async () => {
    let refusals = 1;
    fake.fault((_request, response) => {
      if (refusals === 0) return false;
      refusals -= 1;
      response.writeHead(305).end();
      return true;
    });
    value(await patchInstance(incus, 'c1', { metadata: { a: 'b' } }));
    expect(fake.instance('c1').config['user.guard.a']).toBe('b');
    refusals = 99;
    expect(failure(await getServer(incus))).toMatchObject({ kind: 'server', code: 305 });
  });

  it('changes nothing twice when the connection breaks', async () => {
    fake.fault((_request, response) => {
      response.destroy();
      return true;
    });
    const lost = failure(await patchInstance(incus, 'c1', { metadata: { a: 'b' }, description: '' }));
    expect(lost).toMatchObject({ kind: 'connection-lost', code: null, operation: null });
    expect(fake.requests.length).toBe(1);
  });

  it.each([
    ['torn', '{"type":"sync","metadata":{"na', 'does not come from the server'],
    ['not JSON', '<html>\u001b[2J</html>', String.raw`\x1b[2J`],
    ['a list', '[]', 'does not come from the server'],
    ['nothing', '', 'an empty answer'],
  ])('says so when the answer is %s', async (_what, body, detail) => {
    fake.fault((_request, response) => {
      response.end(body);
      return true;
    });
    const unreadable = failure(await getInstance(incus, 'c1'));
    expect(unreadable).toMatchObject({ kind: 'server', code: 200 });
    expect(unreadable.detail).toContain(detail);
  });

  it('reads what is missing or of another type as empty, and does not fall over it', async () => {
    fake.fault((_request, response) => {
      response.end(
        '{"type":"sync","metadata":{"name":7,"config":{"a":1,"b":"c"},"profiles":"x","expanded_devices":[1]}}',
      );
      return true;
    });
    expect(value(await getInstance(incus, 'c1'))).toMatchObject({
      name: '',
      configuration: { keys: { b: 'c' }, devices: {} },
      disks: [],
      metadata: {},
      generation: null,
    });
  });

  it.each(['', '.', '..'])('is not sent for the name "%s"', async (name) => {
    expect(failure(await getInstance(incus, name)).kind).toBe('invalid');
    expect(failure(await deleteFile(incus, name, '/etc/passwd', limit)).kind).toBe('invalid');
    expect(fake.requests).toEqual([]);
  });

  it('keeps a name inside its place in the path', async () => {
    failure(await getInstance(incus, '../projects/x?y#z'));
    expect(seen[0]?.path).toBe('/1.0/instances/..%2Fprojects%2Fx%3Fy%23z?project=p+1');
  });

  it('survives a server that answers before it has read what is sent', async () => {
    fake.fault((_request, response) => {
      response.writeHead(404, { connection: 'close' });
      response.end('{"type":"error","error_code":404,"error":"not found"}');
      return true;
    });
    const sent = await pushFile(incus, 'c1', '/no/such/folder/file', Buffer.alloc(20_000_000), limit);
    expect(failure(sent).kind).toBe('not-found');
  });
});

describe('no instance can be deleted', () => {
  it('because a DELETE is made from a snapshot, a snapshot of a volume or a file, and from nothing else', () => {
    expectTypeOf<{ method: 'DELETE'; path: string[]; purpose: string }>().not.toExtend<Call>();
    // @ts-expect-error -- a DELETE of a path cannot be written
    const forbidden: Call = { method: 'DELETE', path: ['instances', 'c1'], purpose: 'delete' };
    expect(forbidden).toBeDefined();
  });

  it('whatever the names are', async () => {
    const name = oneof(string(), constantFrom('', '.', '..', '../..', '/', '%2e%2e', 'c1/../..', '?', '#'));
    await always(
      asyncProperty(name, name, name, async (a, b, c) => {
        seen.length = 0;
        await deleteSnapshot(incus, a, b, limit);
        await deleteVolumeSnapshot(incus, a, b, c, limit);
        await deleteFile(incus, a, b, limit);
        for (const request of seen.filter(({ method }) => method === 'DELETE'))
          expect(request.path).toMatch(snapshotOrFile);
      }),
      { numRuns: 200 },
    );
  });

  const one = String.raw`(?!\.{0,2}[/?])[^/?#]+`;
  const snapshotOrFile = new RegExp(
    `^/1\\.0/(instances/${one}/snapshots/${one}|storage-pools/${one}/volumes/custom/${one}/snapshots/${one}|instances/${one}/files)\\?[^#]*$`,
  );

  it('by stopping an ephemeral one either', async () => {
    fake.instance('c1').ephemeral = true;
    const refused = failure(await stopInstance(incus, 'c1', { force: true, limitMs: 1000 }));
    expect(refused).toMatchObject({ kind: 'invalid', code: null });
    expect(seen.map(({ method }) => method)).toEqual(['GET']);
  });
});

describe('a socket that cannot be used', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guard-socket-'));
    await chmod(folder, 0o755);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const look = async (socket: string) => {
    const client = openIncus({ socket, project: 'default', clock: systemClock });
    const end = failure(await makeDirectory(client, 'c1', '/x', limit));
    closeIncus(client);
    return end;
  };

  it('is named when it does not exist, with the way to choose another', async () => {
    const missing = await look(join(folder, 'none'));
    expect(missing).toMatchObject({ kind: 'unreachable', detail: `there is no socket ${folder}/none.` });
    expect(missing.advice).toContain('INCUS_SOCKET=');
    expect(describeFailure(missing)).toMatch(
      /^Could not write the directory \/x of c1: there is no socket .+\. Start Incus/,
    );
  });

  it('is named when nobody listens on it', async () => {
    const stale = join(folder, 'stale');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'live'), resolve));
    await rename(join(folder, 'live'), stale);
    await new Promise((resolve) => server.close(resolve));
    expect(await look(stale)).toMatchObject({ kind: 'unreachable', detail: `nothing answers on the socket ${stale}.` });
  });

  it('is named when it is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    expect((await look(join(folder, 'file'))).kind).toBe('unreachable');
  });

  it('is named with its group when this user may not use it', async () => {
    await chmod(fake.socket, 0o000);
    await chmod(join(fake.socket, '..'), 0o755);
    const end = await asNobody(() => look(fake.socket));
    expect(end.kind).toBe('forbidden');
    expect(end.detail).toContain(fake.socket);
    expect(end.advice).not.toBe('');
  });
});

/** Root may use every socket: the user changes for the time of the test. */
const asNobody = async <T>(work: () => Promise<T>): Promise<T> => {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
};

const limit = { limitMs: 10_000 };
