import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { contextIn } from './context.ts';

test.each([[['points', 'web']], [['runs', 'web']], [['doctor']]])(
  '%j ends at a signal, also if the server never answers',
  async (words) => {
    const folder = await mkdtemp(join(tmpdir(), 'guard-signals-'));
    const { context, interrupter } = contextIn(folder, () => {
      interrupter.interrupt('SIGINT');
      return new Promise(() => {});
    });
    expect(await runProgram(words, context)).toBe(130);
  },
);
