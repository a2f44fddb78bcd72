import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createAskToKeep } from '../../src/report/keep-prompt.ts';
import { manualClock } from '../incus/manual-clock.ts';

const asked = (signal?: AbortSignal) => {
  const [stdin, stderr, clock] = [new PassThrough(), new PassThrough(), manualClock()];
  // Only with a terminal does readline know Ctrl-C and Ctrl-D.
  Object.assign(stderr, { isTTY: true, columns: 200 });
  return { stdin, stderr, clock, kept: createAskToKeep(stdin, stderr, clock)('unhealthy', 60_000, signal) };
};

test('says what happened, and how long it waits', () => {
  const { stderr, stdin } = asked();
  expect(String(stderr.read())).toContain(
    'guard: The instance is not healthy. Keep the change all the same? It is rolled back in 1 min. [y/N] ',
  );
  stdin.end();
});

test.each([
  ['y\n', true],
  ['YES\n', true],
  [' yes \n', true],
  ['n\n', false],
  ['\n', false],
  ['yeah\n', false],
  ['yy\n', false],
  ['\u0003', false],
  ['\u0004', false],
])('%j: %s', async (keys, keep) => {
  const { stdin, kept } = asked();
  stdin.write(keys);
  expect(await kept).toBe(keep);
});

test('nobody who answers in time means no', async () => {
  const { clock, kept } = asked();
  clock.advance(60_000);
  expect(await kept).toBe(false);
});

test('a terminal that goes away means no', async () => {
  const { stdin, kept } = asked();
  stdin.end();
  expect(await kept).toBe(false);
});

test('a question that is taken back means no', async () => {
  const taken = new AbortController();
  const { kept } = asked(taken.signal);
  taken.abort();
  expect(await kept).toBe(false);
  expect(await asked(AbortSignal.abort()).kept).toBe(false);
});

test('what is typed afterwards is not read any more', async () => {
  const { stdin, kept } = asked();
  stdin.write('y\n');
  expect(await kept).toBe(true);
  expect(stdin.isPaused()).toBe(true);
});
