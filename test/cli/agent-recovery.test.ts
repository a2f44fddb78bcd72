import { expect, test } from 'vitest';
import type { AgentEvent } from '../../src/agent-event.ts';
import { recoveries } from '../../src/cli/agent-recovery.ts';
import { defaultSettings } from '../../src/config/defaults.ts';
import { currentHolder } from '../../src/journal/holder.ts';
import { readRun } from '../../src/journal/runs.ts';
import { projectOf } from '../../src/platform/memory/server.ts';
import {
  copiesOn,
  copyProject,
  createHost,
  elsewhere,
  gone,
  interruptedRehearsal,
  type MemoryHost,
} from './memory-host.ts';

const run = '20270101-000000-aaaa';

/** What the agent does when it reaches the server, and what it tells. */
async function recoverAsAgent(host: MemoryHost): Promise<readonly AgentEvent[]> {
  const told: AgentEvent[] = [];
  const emit = (event: AgentEvent): void => void told.push(event);
  const settings = async () => ({ ok: true, value: defaultSettings }) as const;
  await recoveries(host.context, { emit, settings, config: null })({
    platform: host.platform,
    project: 'default',
    remote: null,
  });
  return told;
}

test('an agent removes the copy of a rehearsal whose guard was killed', async () => {
  const host = await createHost();
  await interruptedRehearsal(host, 'web', run, gone);
  expect(await recoverAsAgent(host)).toEqual([]);
  expect(copiesOn(host.server)).toEqual([]);
  expect((await readRun(host.stateDirectory, run))?.ended).not.toBeNull();
});

test('an agent tells that the copy of a rehearsal could not be removed', async () => {
  const host = await createHost();
  await interruptedRehearsal(host, 'web', run, gone);
  const [copy] = projectOf(host.server, copyProject).instances.values();
  if (copy) copy.configuration = {};
  expect(await recoverAsAgent(host)).toMatchObject([
    {
      type: 'agent-warning',
      message: expect.stringContaining(`The copy of rehearsal ${run} was not removed`) as string,
    },
  ]);
  expect(copiesOn(host.server)).toEqual(['web']);
});

test.each([
  { who: 'lives', holder: currentHolder() },
  { who: 'cannot be seen', holder: elsewhere },
])('an agent leaves the rehearsal of a guard that $who alone', async ({ holder }) => {
  const host = await createHost();
  await interruptedRehearsal(host, 'web', run, holder);
  expect(await recoverAsAgent(host)).toEqual([]);
  expect(copiesOn(host.server)).toEqual(['web']);
});
