import { expect, test } from 'vitest';
import { undoSteps, type PastRun } from '../../src/journal/undo.ts';

const past = (text: string): PastRun[] =>
  text.split(' ').map((word) => {
    const [run = '', rolledBackTo = null] = word.split('<');
    return { run, rolledBackTo, point: { run, name: `guard-${run}`, createdAt: '', volumes: [], named: false } };
  });

const steps = (text: string): { back: string; forward: string } => {
  const { back, forward } = undoSteps(past(text));
  return { back: back.map(({ run }) => run).join(' '), forward: forward.map(({ run }) => run).join(' ') };
};

test.each([
  ['a', 'a', ''],
  ['a b', 'b a', ''],
  // A rollback to b (before b ran), then one further back, then forward twice.
  ['a b r1<b', 'a', 'r1'],
  ['a b r1<b r2<a', '', 'r2 r1'],
  ['a b r1<b r2<a f1<r2', 'f1', 'r1'],
  ['a b r1<b r2<a f1<r2 f2<r1', 'f2 f1', ''],
  // Several steps at once.
  ['a b c r1<a', '', 'r1'],
  // A new change after a rollback: what was taken back cannot be brought again by --redo.
  ['a b r1<b c', 'c a', ''],
  // A restore point that is not known any more.
  ['a r1<x', 'r1 a', ''],
])('after %s', (text, back, forward) => {
  expect(steps(text)).toEqual({ back, forward });
});
