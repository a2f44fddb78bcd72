import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createKeyboard } from '../../src/report/keyboard.ts';

function keyboard() {
  const modes: boolean[] = [];
  let interrupts = 0;
  const stdin = Object.assign(new PassThrough(), { setRawMode: (raw: boolean) => modes.push(raw) });
  return { stdin, modes, interrupts: () => interrupts, keys: createKeyboard(stdin, () => (interrupts += 1)) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('keys are dropped while they are held, and Ctrl-C is passed on', async () => {
  const { stdin, keys, modes, interrupts } = keyboard();
  keys.hold();
  keys.hold();
  stdin.write('ls\n');
  await turn();
  expect(interrupts()).toBe(0);
  stdin.write('x\u0003');
  await turn();
  expect(interrupts()).toBe(1);
  expect(modes).toEqual([true]);
  expect(stdin.read()).toBe(null);
});

test('after the release they are left to whoever reads next', async () => {
  const { stdin, keys, modes, interrupts } = keyboard();
  keys.hold();
  keys.release();
  keys.release();
  stdin.write('k\u0003\n');
  await turn();
  expect(modes).toEqual([true, false]);
  expect(interrupts()).toBe(0);
  expect(String(stdin.read())).toBe('k\u0003\n');
});
