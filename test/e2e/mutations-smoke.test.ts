import { execa } from 'execa';
import { expect, test } from 'vitest';
import { bringUp } from '../host/host.ts';

test('two harms are found without configuration, and a restart is kept', async () => {
  const host = await bringUp();
  const { stdout } = await execa(process.execPath, ['test/mutations/run.mjs', '--smoke', '--jobs', '1'], {
    env: host.env,
    reject: false,
    timeout: 600_000,
  });
  expect(stdout).toContain('2 of 2 harms found, 0 false alarms of 1');
}, 620_000);
