import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { currentHolder } from '../../src/journal/holder.ts';
import { removeRecord } from '../../src/journal/retention.ts';
import { readRun } from '../../src/journal/runs.ts';
import { addInstance, projectOf } from '../../src/platform/memory/server.ts';
import { copiesOn, copyProject, createHost, elsewhere, gone, interruptedRehearsal } from './memory-host.ts';

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

// Its process may live: the copy has no lease that tells.
test.each([
  { where: 'of another host', holder: elsewhere },
  { where: 'in another network namespace', holder: { ...gone, network: 'net:[1]' } },
])('the copy of a guard $where stays without --take-over, with and without a name', async ({ holder }) => {
  const host = await createHost();
  await interruptedRehearsal(host, 'web', run, holder);
  for (const words of [['recover'], ['recover', 'web']]) {
    expect(await runProgram(words, host.context)).toBe(31);
    expect(host.said()).toMatch(/may still be running.*--take-over/s);
    expect(copiesOn(host.server)).toEqual(['web']);
  }
  expect(await runProgram(['recover', '--take-over'], host.context)).toBe(0);
  expect(copiesOn(host.server)).toEqual([]);
});

test.each([
  { when: 'whose guard ended with an earlier boot of this host', holder: { ...gone, bootId: 'earlier' }, end: null },
  { when: 'that has its end, although its guard lives', holder: currentHolder(), end: { outcome: 'rehearsal-passed' } },
] as const)('the copy of a rehearsal $when is removed, with and without a name', async ({ holder, end }) => {
  const host = await createHost();
  for (const words of [['recover'], ['recover', 'web']]) {
    await interruptedRehearsal(host, 'web', run, holder, end);
    expect(await runProgram(words, host.context)).toBe(0);
    expect(copiesOn(host.server)).toEqual([]);
    await removeRecord(host.stateDirectory, run);
  }
});

test('a rehearsal of a guard that lives, without an end, is left alone', async () => {
  const host = await createHost();
  await interruptedRehearsal(host, 'web', run, currentHolder());
  for (const words of [['recover'], ['recover', 'web', '--take-over']]) {
    expect(await runProgram(words, host.context)).toBe(0);
    expect(copiesOn(host.server)).toEqual(['web']);
  }
});

test('a record whose copy is gone has an end, and the copy that another rehearsal has made since stays', async () => {
  const host = await createHost();
  await interruptedRehearsal(host, 'web', run, gone);
  projectOf(host.server, copyProject).instances.delete('web');
  await interruptedRehearsal(host, 'web', '20270101-000001-bbbb', currentHolder());
  expect(await runProgram(['recover'], host.context)).toBe(0);
  expect(copiesOn(host.server)).toEqual(['web']);
  expect((await readRun(host.stateDirectory, run))?.copyRemoved).toBe(true);
});
