import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireAgentLock } from '../../src/agent/agent-lock.ts';

test('one agent for a state directory; the next when it has ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-sole-'));
  try {
    const first = await acquireAgentLock(folder);
    const second = await acquireAgentLock(folder);
    expect(second).toEqual({
      ok: false,
      error: { kind: 'taken', message: `Another agent already uses ${folder} (process ${process.pid}).` },
    });
    if (first.ok) await first.value.release();
    const third = await acquireAgentLock(folder);
    expect(third.ok).toBe(true);
    if (third.ok) await third.value.release();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a state directory that cannot be written is a sentence, not an exception', async () => {
  const lock = await acquireAgentLock('/proc/nowhere/guard');
  expect(lock).toMatchObject({
    ok: false,
    error: { kind: 'unwritable', message: expect.stringContaining('/proc/nowhere') },
  });
});
