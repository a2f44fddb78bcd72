import { expect, test } from 'vitest';
import { buildPlan } from '../../src/cli/build-plan.ts';
import { commandIo } from '../../src/cli/command-io.ts';
import { runPlan } from '../../src/cli/run.ts';
import { defaultSettings } from '../../src/config/defaults.ts';
import type { RecordedEvent } from '../../src/event.ts';
import { createView } from '../../src/report/view.ts';
import { runProgram } from '../../src/cli/program.ts';
import { readRun } from '../../src/journal/runs.ts';
import { addInstance } from '../../src/platform/memory/server.ts';
import { createHost } from './memory-host.ts';

test.each([['rehearse'], ['forecast', '--json']])('%s: a stopped instance is named as what it is', async (...words) => {
  const host = await createHost();
  addInstance(host.server, 'web', { status: 'Stopped' });
  await runProgram([...words, 'web'], host.context);
  expect(`${host.said()}${host.printed()}`).toMatch(/web.* is not running \(stopped\)/);
});

test('a run records what it says of its rehearsal, also with --json', async () => {
  const host = await createHost();
  addInstance(host.server, 'web');
  const reached = await host.context.reach('web', null);
  if (!reached.ok) throw new Error(reached.error.message);
  const run = '20270101-000000-aaaa';
  const settings = { ...defaultSettings, checks: [], automaticChecks: false };
  const plan = buildPlan({ run, version: '0', reached: reached.value, words: ['true'], settings, name: null });
  const view = createView({ ...host.context, json: true, quiet: false });
  const io = commandIo(host.context, true);
  const message = 'The change cannot be compared with the rehearsed one: nobody knows.';
  const noticesAfter = ({ type }: RecordedEvent) =>
    type === 'run-started' ? [{ level: 'info', message } as const] : [];
  await runPlan(
    host.context,
    { plan, io, view, reached: reached.value, rehearsed: { noticesAfter }, notify: [] },
    false,
  );
  expect((await readRun(host.stateDirectory, run))?.events).toContainEqual(
    expect.objectContaining({ type: 'notice', level: 'info', message }),
  );
  expect(host.printed()).toContain(message);
});
