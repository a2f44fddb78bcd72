import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { addInstance } from '../../src/platform/memory/server.ts';
import { createHost } from './memory-host.ts';

test.each([['rehearse'], ['forecast', '--json']])('%s: a stopped instance is named as what it is', async (...words) => {
  const host = await createHost();
  addInstance(host.server, 'web', { status: 'Stopped' });
  await runProgram([...words, 'web'], host.context);
  expect(`${host.said()}${host.printed()}`).toMatch(/web.* is not running \(stopped\)/);
});
