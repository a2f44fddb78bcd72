import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { becomeSole } from '../../src/agent/sole.ts';

test('one agent for a state directory; the next when it has ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-sole-'));
  try {
    const first = await becomeSole(folder);
    const second = await becomeSole(folder);
    expect(second).toEqual({
      ok: false,
      error: `Another agent works with ${folder} already (process ${process.pid}).`,
    });
    if (first.ok) await first.value.release();
    const third = await becomeSole(folder);
    expect(third.ok).toBe(true);
    if (third.ok) await third.value.release();
  } finally {
    await rm(folder, { recursive: true });
  }
});
