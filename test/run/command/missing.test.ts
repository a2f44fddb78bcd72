import type { PushPlan } from '../../../src/run/plan.ts';
import { expect, test } from 'vitest';
import { adviceForMissing, mayProvide } from '../../../src/run/command/executable.ts';

test.each([
  ['nosuch', 'Check its spelling; a path must be the path inside the instance.'],
  ['apt upgrade', 'Do not quote the whole command: guard web -- apt upgrade'],
  ['apt update && apt upgrade', "guard uses no shell. Run one: guard web -- sh -c '…'"],
  ['cd', "guard uses no shell. Run one: guard web -- sh -c '…'"],
  ['--restart', 'Write the options of guard before the instance: guard --restart web -- <command>'],
])('a command "%s" that does not exist', (word, advice) => {
  expect(adviceForMissing('web', word)).toBe(advice);
});

test('a command that is pushed need not be there before', () => {
  const file = { inside: '/usr/local/bin/deploy', kind: 'file' } as PushPlan;
  const tree = { inside: '/opt/app', kind: 'folder' } as PushPlan;
  expect(mayProvide([file], 'deploy', '/root')).toBe(true);
  expect(mayProvide([file], '/usr/local/bin/deploy', '/root')).toBe(true);
  expect(mayProvide([file], '/usr/local/bin/deploy2', '/root')).toBe(false);
  expect(mayProvide([file], 'aptt', '/root')).toBe(false);
  expect(mayProvide([tree], './bin/run', '/opt/app')).toBe(true);
  expect(mayProvide([tree], '/opt/application', '/root')).toBe(false);
  expect(mayProvide([], 'deploy', '/root')).toBe(false);
});
