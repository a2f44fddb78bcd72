import { expect, test } from 'vitest';
import { findInstance } from '../../src/cli/present-name.ts';
import { addInstance } from '../../src/platform/memory/server.ts';
import { createHost } from './memory-host.ts';

const uuid = 'u-1';

/** Where web01 is on a server with these instances, by name and uuid. */
const find = async (instances: Readonly<Record<string, string>>) => {
  const { server, platform } = await createHost();
  for (const [name, own] of Object.entries(instances))
    server.instances.set(name, { ...addInstance(server, name), uuid: own });
  return findInstance(platform, 'web01', uuid);
};

test('an instance is found under its present name', async () => {
  expect(await find({ web01: uuid })).toEqual({ place: 'there' });
  expect(await find({ web02: uuid, web03: 'u-2' })).toEqual({ place: 'renamed', name: 'web02' });
  expect(await find({ web01: 'u-2', web02: uuid })).toEqual({ place: 'renamed', name: 'web02' });
  expect(await find({ web01: 'u-2' })).toEqual({ place: 'missing' });
});

test('of an original and its import the one with the recorded name is meant', async () => {
  expect(await find({ copy: uuid, web01: uuid })).toEqual({ place: 'there' });
});

test('it is not known which one is meant where neither has the recorded name', async () => {
  const others: Readonly<Record<string, string>>[] = [{}, { web01: 'u-2' }];
  for (const other of others)
    expect(await find({ ...other, copy: uuid, web02: uuid })).toMatchObject({
      place: 'unknown',
      failure: { detail: expect.stringContaining('copy and web02 have its uuid') },
    });
});
