import { execa } from 'execa';
import { expect, test } from 'vitest';
import { bringUp } from '../host/host.ts';

test('two real changes of the corpus: the healthy one is kept, the broken one rolled back', async () => {
  const host = await bringUp();
  const { stdout } = await execa(process.execPath, ['test/corpus/run.mjs', '--smoke'], {
    env: host.env,
    reject: false,
    timeout: 600_000,
  });
  expect(stdout).toContain('2 right, 0 wrong (broken kept: 0, healthy rolled back: 0); 1 of 2 were broken');
}, 620_000);
