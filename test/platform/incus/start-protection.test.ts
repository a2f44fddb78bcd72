import { afterEach, beforeEach, expect, it } from 'vitest';

import { systemClock } from '../../../src/clock.ts';
import { closeIncus, openIncus, type Incus } from '../../../src/platform/incus/http/client.ts';
import { getInstance, patchInstance, startInstance } from '../../../src/platform/incus/instances/instance.ts';
import { failure, value } from '../conformance.ts';
import { startFakeIncus, type FakeIncus } from './fake-server.ts';

const key = 'security.protection.start';
const note = 'user.guard.start-protection';
const limit = { limitMs: 5000 };

let fake: FakeIncus;
let incus: Incus;

beforeEach(async () => {
  fake = await startFakeIncus();
  incus = openIncus({ socket: fake.socket, project: 'default', clock: systemClock });
  Object.assign(fake.instance('c1'), { status: 'Stopped', description: 'mine' });
  fake.instance('c1').config[key] = 'true';
});
afterEach(async () => {
  closeIncus(incus);
  await fake.close();
});

it('starts an instance that is protected from it, and protects it again', async () => {
  expect(value(await getInstance(incus, 'c1')).startProtected).toBe(true);
  value(await startInstance(incus, 'c1', limit));
  expect(fake.instance('c1')).toMatchObject({ status: 'Running', description: 'mine', config: { [key]: 'true' } });
  expect(fake.instance('c1').config).not.toHaveProperty([note]);
});

it('protects it again where the start fails', async () => {
  let starts = 0;
  fake.fault((request, response) => {
    if (!request.pathname.endsWith('/state') || request.method !== 'PUT') return false;
    starts += 1;
    if (starts < 2) return false;
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ type: 'error', error: 'no start', error_code: 400 }));
    return true;
  });
  expect(failure(await startInstance(incus, 'c1', limit)).detail).toBe('no start.');
  expect(fake.instance('c1').config).toMatchObject({ [key]: 'true' });
  expect(fake.instance('c1').config).not.toHaveProperty([note]);
});

it.each([
  ['true', 'true'],
  ['inherited', undefined],
])('puts back what a guard that died during a start has left (%s)', async (before, after) => {
  const instance = fake.instance('c1');
  Object.assign(instance.config, { [key]: 'false', [note]: before });
  expect(value(await getInstance(incus, 'c1')).startProtected).toBe(true);
  value(await patchInstance(incus, 'c1', { metadata: { run: '' } }));
  // Stopped: another guard may be about to start it.
  expect(instance.config[key]).toBe('false');
  instance.status = 'Running';
  value(await patchInstance(incus, 'c1', { metadata: { run: '' } }));
  expect(instance.config[key]).toBe(after);
  expect(instance.config).not.toHaveProperty([note]);
});
