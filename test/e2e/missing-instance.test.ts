import { afterAll, beforeAll, expect, test } from 'vitest';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';

let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
});
afterAll(async () => {
  await guard.remove();
});

const missing = 'There is no instance "e2e-nothing"';

test.each([
  ['check', 30],
  ['init', 30],
  ['rehearse', 30],
  ['forecast', 34],
])('guard %s says that there is no such instance', async (name, expected) => {
  const { status, stdout, stderr } = await guard.run([name, 'e2e-nothing']);
  expect([status, stdout + stderr]).toEqual([expected, expect.stringContaining(missing)]);
});

test('64: --all together with a name, which would mean fewer instances', async () => {
  const { status, stderr } = await guard.run(['--all', 'e2e-nothing', '--', 'true']);
  expect(status).toBe(64);
  expect(stderr).toContain('--all chooses all instances, but "e2e-nothing" names some. Nothing was changed.');
});
