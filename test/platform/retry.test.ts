import { describe, expect, test } from 'vitest';

import type { PlatformFailure } from '../../src/platform/failure.ts';
import { connectMemory } from '../../src/platform/memory/memory.ts';
import type { Fault, MemoryRequest } from '../../src/platform/memory/requests.ts';
import { addInstance, createMemoryServer, type MemoryServer } from '../../src/platform/memory/server.ts';
import { createVirtualTime } from '../../src/platform/memory/virtual-time.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { retryTransient } from '../../src/platform/retry.ts';

const limit = { limitMs: 60_000 };

/** What a request ends in where the first ones of its name suffer these faults. */
async function under<T>(
  name: string,
  faults: readonly Fault[],
  work: (platform: Platform, server: MemoryServer) => Promise<T>,
): Promise<{
  readonly value: T;
  readonly sent: number;
  readonly away: readonly PlatformFailure[];
  readonly ms: number;
}> {
  const time = createVirtualTime();
  const server = createMemoryServer({ clock: time.startProcess().clock, exec: async () => 0 });
  addInstance(server, 'c1');
  let sent = 0;
  const faultOf = (request: MemoryRequest): Fault | null => {
    if (request.name !== name) return null;
    sent += 1;
    return faults[sent - 1] ?? null;
  };
  const away: PlatformFailure[] = [];
  const process = time.startProcess();
  const platform = retryTransient(
    connectMemory(server, { process, faultOf }),
    30_000,
    (failure) => void away.push(failure),
  );
  const began = process.clock.monotonic();
  const end = await time.run(process, () => work(platform, server));
  if (end.end !== 'done') throw new Error(`the work is ${end.end}`);
  return { value: end.value, sent, away, ms: process.clock.monotonic() - began };
}

describe('a request is repeated', () => {
  test('while the server is away, and that is told once', async () => {
    const { value, sent, away } = await under('getInstance', ['unreachable', 'lost-before', 'busy'], (platform) =>
      platform.getInstance('c1'),
    );
    expect(value.ok).toBe(true);
    expect(sent).toBe(4);
    expect(away.map(({ kind }) => kind)).toEqual(['unreachable']);
  });

  test('until the limit, and then the last failure counts', async () => {
    const always = Array.from<Fault>({ length: 1000 }).fill('unreachable');
    const { value, ms } = await under('getInstance', always, (platform) => platform.getInstance('c1'));
    expect(value).toMatchObject({ ok: false, error: { kind: 'unreachable' } });
    expect(ms).toBeGreaterThan(25_000);
    expect(ms).toBeLessThanOrEqual(31_000);
  });

  test('not where the server refuses it', async () => {
    const { value, sent } = await under('getInstance', ['refused'], (platform) => platform.getInstance('c1'));
    expect(value.ok).toBe(false);
    expect(sent).toBe(1);
  });

  test('not where it takes something once, or is a compare-and-swap', async () => {
    const taken = await under('createSnapshot', ['lost-before'], (platform) =>
      platform.createSnapshot('c1', { name: 'a', expiresAt: null }, limit),
    );
    expect(taken).toMatchObject({ sent: 1, value: { ok: false } });
    const stopped = await under('stopInstance', ['unreachable'], (platform) =>
      platform.stopInstance('c1', { force: false, ...limit }),
    );
    expect(stopped).toMatchObject({ sent: 1, value: { ok: false } });
    const swapped = await under('setSnapshotExpiry', ['unreachable'], (platform) =>
      platform.setSnapshotExpiry('c1', 'a', null, 'revision'),
    );
    expect(swapped).toMatchObject({ sent: 1, value: { ok: false } });
  });
});

describe('an operation whose connection was lost (F7)', () => {
  test.each(['lost-after', 'hangs'] as const)('is never started over itself: %s', async (fault) => {
    const { value, sent } = await under('restoreSnapshot', [fault], async (platform, server) => {
      await platform.createSnapshot('c1', { name: 'a', expiresAt: null }, limit);
      const restored = await platform.restoreSnapshot('c1', 'a', { limitMs: 10_000 });
      return { restored, generation: server.instances.get('c1')?.generation };
    });
    expect(value.restored.ok).toBe(true);
    expect(sent).toBe(1);
    expect(value.generation).not.toBe('generation-1');
  });

  test('is started again where the server that did it has died', async () => {
    const { value, sent } = await under('restoreSnapshot', ['server-dies'], async (platform) => {
      await platform.createSnapshot('c1', { name: 'a', expiresAt: null }, limit);
      return platform.restoreSnapshot('c1', 'a', limit);
    });
    expect(value.ok).toBe(true);
    expect(sent).toBeGreaterThan(1);
  });
});

test('records that contradict each other are waited out, but not for long', async () => {
  const { value, ms } = await under('none', [], (platform, server) => {
    server.instances.get('c1')?.nameless.push('lost');
    return platform.patchInstance('c1', { metadata: { run: '' } });
  });
  expect(value).toMatchObject({ ok: false, error: { kind: 'inconsistent-snapshots' } });
  expect(ms).toBeLessThanOrEqual(31_000);
});
