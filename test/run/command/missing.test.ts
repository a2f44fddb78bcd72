import { expect, test } from 'vitest';
import { adviceForMissing } from '../../../src/run/command/executable.ts';

test.each([
  ['nosuch', 'Check its spelling; a path must be the path inside the instance.'],
  ['apt upgrade', 'Do not quote the whole command: guard web -- apt upgrade'],
  ['apt update && apt upgrade', "guard uses no shell. Run one: guard web -- sh -c '…'"],
  ['cd', "guard uses no shell. Run one: guard web -- sh -c '…'"],
  ['--restart', 'Write the options of guard before the instance: guard --restart web -- <command>'],
])('a command "%s" that does not exist', (word, advice) => {
  expect(adviceForMissing('web', word)).toBe(advice);
});
