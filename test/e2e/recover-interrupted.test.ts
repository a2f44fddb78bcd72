import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest, type Started } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

// `guard recover` finishes several instances at once. A signal ends it whatever they are at (issue 13); what the server was asked
// last it finishes alone, and the next recovery the rest.

const instances = ['gr-int-1', 'gr-int-2', 'gr-int-3'];
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  for (const instance of instances) await launch(instance);
});

afterAll(async () => {
  for (const instance of instances) await remove(instance);
  await guard.remove();
});

const eventsOf = ({ stdout }: Started): (() => string) => {
  let said = '';
  stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return () => said;
};

const killedInItsCommand = async (instance: string): Promise<void> => {
  const run = guard.start(['--json', '--retry', instance, '--', 'sh', '-c', 'touch /root/changed; sleep 1000']);
  eventsOf(run);
  await waitFor(() => fileExists(instance, '/root/changed'));
  run.kill('SIGKILL');
  await run;
};

test.each([
  ['SIGINT', 130, 'stop'],
  ['SIGTERM', 143, 'restore'],
  ['SIGHUP', 129, 'start'],
] as const)('%s ends it with %i while instances %s, and the next one finishes all', async (signal, status, phase) => {
  await Promise.all(instances.map(killedInItsCommand));
  const recovery = guard.start(['recover', '--json']);
  const said = eventsOf(recovery);
  await waitFor(() => said().includes(`"type":"phase-started","phase":"${phase}"`), { limitMs: 60_000, everyMs: 5 });
  recovery.kill(signal);
  expect((await recovery).exitCode).toBe(status);
  const warning = said().trimEnd().split('\n').at(-1) ?? '';
  expect(JSON.parse(warning)).toMatchObject({ type: 'notice', message: expect.stringContaining('Not finished: ') });
  // Each one is named there, or finished.
  const ends = said().match(/"type":"run-ended"/g)?.length ?? 0;
  const named = instances.filter((instance) => warning.includes(instance));
  expect(named.length).toBeGreaterThanOrEqual(instances.length - ends);
  expect((await guard.run(['recover'])).status).toBe(0);
  for (const instance of instances) {
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
    expect(await statusOf(instance)).toBe('Running');
    expect(await fileExists(instance, '/root/changed')).toBe(false);
  }
  expect((await guard.run(['recover'])).stderr).toContain('nothing to recover');
});
