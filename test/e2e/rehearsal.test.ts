import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { remove } from './incus-subject.ts';
import { copies, inside, launchApp, startClient } from './rehearsal-subject.ts';

const instance = 'gr-rehearsal';
let guard: GuardUnderTest;
let address: string;

beforeAll(async () => {
  guard = await guardUnderTest();
  address = await launchApp(instance);
});

afterAll(async () => {
  await remove(instance);
  await remove(instance, 'guard-rehearsal');
  await guard.remove();
});

const quickly = ['--soak', '0s', '--verify-timeout', '20s'];
const sh = (script: string): string[] => [instance, '--', 'sh', '-c', script];

const recordOf = async (run: string): Promise<string> =>
  readFile(join(guard.stateDirectory, 'runs', run, 'journal.jsonl'), 'utf8');

const leavesNothing = async (): Promise<void> => {
  expect(await copies()).toEqual([]);
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await statusOf(instance)).toBe('Running');
};

describe('a change that only breaks at the next boot', () => {
  // The service reads its configuration when it starts.
  const breaking = 'echo bad >/etc/app.conf';

  test('ends with 33, and no client of the instance sees it', async () => {
    const client = startClient(address);
    const ended = await guard.run(['--rehearse', ...quickly, ...sh(breaking)]);
    const seen = await client.stop();
    expect(ended).toMatchObject({ status: 33 });
    expect(ended.stderr).toContain('was healthy after the change, and not after a restart');
    expect(ended.stderr).toContain('app.service');
    expect(seen.asked).toBeGreaterThan(100);
    expect(seen.failed).toBe(0);
    expect(await inside(instance, 'cat /etc/app.conf')).toBe('good');
    expect(await snapshotNames(instance)).toEqual([]);
    await leavesNothing();
  });

  test('is in quarantine afterwards (F37)', async () => {
    const ended = await guard.run([...quickly, ...sh(breaking)]);
    expect(ended).toMatchObject({ status: 32 });
    expect(ended.stderr).toContain(`The same change failed on a copy of "${instance}" before`);
    expect(await inside(instance, 'cat /etc/app.conf')).toBe('good');
  });
});

describe('a change that is well', () => {
  test('passes its rehearsal, then is done to the instance, and the two records name each other', async () => {
    const ended = await guard.run(['--rehearse', ...quickly, ...sh('echo done >/root/done; cat')], {
      stdin: 'pipe',
      input: 'given twice',
    });
    expect(ended).toMatchObject({ status: 0 });
    expect(ended.stdout).toBe('given twicegiven twice');
    expect(ended.stderr).toMatch(/rehearsal passed[^]*kept:/);
    expect(await fileExists(instance, '/root/done')).toBe(true);
    const [second = '', first = ''] = (await readdir(join(guard.stateDirectory, 'runs'))).toSorted().toReversed();
    const [real, rehearsal] = (await recordOf(second)).includes('"rehearsedBy"') ? [second, first] : [first, second];
    expect(await recordOf(real)).toContain(`"rehearsedBy":"${rehearsal}"`);
    expect(await recordOf(rehearsal)).toContain(`"before":"${real}"`);
    await leavesNothing();
  });

  test('leaves no trace where it is only rehearsed', async () => {
    const ended = await guard.run(['rehearse', ...quickly, ...sh('echo x >/root/rehearsed')]);
    expect(ended).toMatchObject({ status: 0 });
    expect(await fileExists(instance, '/root/rehearsed')).toBe(false);
    await leavesNothing();
  });
});

test('a command that fails ends with 33, and the report says where', async () => {
  const file = join(guard.stateDirectory, 'report.json');
  const ended = await guard.run(['rehearse', '--report', `json=${file}`, ...quickly, ...sh('exit 5')]);
  expect(ended).toMatchObject({ status: 33 });
  const report = JSON.parse(await readFile(file, 'utf8')) as { runs: { rehearsal: { failedAt: string } }[] };
  expect(report.runs).toMatchObject([{ exitStatus: 33, rehearsal: { failedAt: 'change' } }]);
});
