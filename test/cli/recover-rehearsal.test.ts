import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { readRun } from '../../src/journal/runs.ts';
import { addInstance } from '../../src/platform/memory/server.ts';
import { copiesOn, createHost, gone, interruptedRehearsal } from './memory-host.ts';

const run = '20270101-000000-aaaa';

test('the copy of a killed rehearsal is removed, and its record has an end', async () => {
  const host = await createHost();
  await interruptedRehearsal(host, 'web', run, gone);
  expect(await runProgram(['recover'], host.context)).toBe(0);
  expect(copiesOn(host.server)).toEqual([]);
  expect(await readRun(host.stateDirectory, run)).toMatchObject({
    copyRemoved: true,
    ended: expect.anything() as object,
  });
});

test.each([['recover'], ['recover', 'web']])(
  '%s %s: another server leaves the record to the server of the copy',
  async (...words) => {
    const host = await createHost();
    const other = await createHost('other');
    await interruptedRehearsal(host, 'web', run, gone);
    addInstance(other.server, 'web');
    const there = { ...host.context, reach: other.context.reach };
    expect(await runProgram(words, there)).toBe(30);
    expect(host.said()).toMatch(/was made on another server/);
    expect(await readRun(host.stateDirectory, run)).toMatchObject({ copyRemoved: false, ended: null });
    expect(await runProgram(words, host.context)).toBe(0);
    expect(copiesOn(host.server)).toEqual([]);
  },
);
