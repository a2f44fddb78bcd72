import { execa } from 'execa';
import { expect, test } from 'vitest';
import { bringUp } from '../host/host.ts';

test('two harms are found without configuration, and a restart is kept', async () => {
  const host = await bringUp();
  const { stdout, stderr, timedOut } = await execa(
    process.execPath,
    ['test/mutations/run.mjs', '--smoke', '--jobs', '1'],
    {
      env: host.env,
      reject: false,
      timeout: 600_000,
    },
  );
  expect({ timedOut, stderr, stdout }).toEqual({
    timedOut: false,
    stderr: '',
    stdout: expect.stringContaining('2 of 2 harms found, 0 false alarms of 1') as string,
  });
}, 620_000);
