import { expect, test } from 'vitest';
import { hintFor } from '../../../src/run/command/hint.ts';

const gaveUp = { kind: 'exited', status: 1 } as const;
const question = 'Do you want to continue? [Y/n] Abort.\n';

test.each([
  [['apt', 'upgrade']],
  [['apt-get', 'install', 'x']],
  [['/usr/bin/apt', 'upgrade']],
  [['env', 'A=b', 'apt-get', 'upgrade']],
])('%j that gave up at its question: pass -y (F25)', (words) => {
  expect(hintFor(words, gaveUp, question, false)).toContain('-y');
});

test.each<[string, Parameters<typeof hintFor>]>([
  ['a person was there to answer', [['apt', 'upgrade'], gaveUp, question, true]],
  ['it failed with another status', [['apt', 'upgrade'], { kind: 'exited', status: 100 }, question, false]],
  ['it was killed by its limit', [['apt', 'upgrade'], { kind: 'timeout', limitMs: 1 }, question, false]],
  ['its last word is another', [['apt', 'upgrade'], gaveUp, 'Abort. E: Broken packages\n', false]],
  ['it is not apt', [['make', 'upgrade'], gaveUp, question, false]],
  ['it only has apt in its name', [['capt', 'upgrade'], gaveUp, question, false]],
])('no hint where %s', (_, words) => {
  expect(hintFor(...words)).toBeNull();
});
