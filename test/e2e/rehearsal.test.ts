import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileExists, snapshotNames } from './guard.ts';
import { inside, startClient } from './rehearsal-subject.ts';
import { rehearsedApp } from './rehearsed-app.ts';

const instance = 'gr-rehearsal';
const subject = rehearsedApp(instance);
const { quickly, sh, leavesNothing } = subject;

const recordOf = async (run: string): Promise<string> =>
  readFile(join(subject.guard.stateDirectory, 'runs', run, 'journal.jsonl'), 'utf8');

describe('a change that only breaks at the next boot', () => {
  // The service reads its configuration when it starts.
  const breaking = 'echo bad >/etc/app.conf';

  test('ends with 33, and no client of the instance sees it', async () => {
    const client = startClient(subject.address);
    const ended = await subject.guard.run(['--rehearse', ...quickly, ...sh(breaking)]);
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
    const ended = await subject.guard.run([...quickly, ...sh(breaking)]);
    expect(ended).toMatchObject({ status: 32 });
    expect(ended.stderr).toContain(`The same change failed on a copy of "${instance}" before`);
    expect(await inside(instance, 'cat /etc/app.conf')).toBe('good');
  });
});

describe('a change that is well', () => {
  test('passes its rehearsal, then is done to the instance, and the two records name each other', async () => {
    const ended = await subject.guard.run(['--rehearse', ...quickly, ...sh('echo done >/root/done; cat')], {
      stdin: 'pipe',
      input: 'given twice',
    });
    expect(ended).toMatchObject({ status: 0 });
    expect(ended.stdout).toBe('given twicegiven twice');
    expect(ended.stderr).toMatch(/rehearsal passed[^]*kept:/);
    expect(await fileExists(instance, '/root/done')).toBe(true);
    const [second = '', first = ''] = (await readdir(join(subject.guard.stateDirectory, 'runs')))
      .toSorted()
      .toReversed();
    const [real, rehearsal] = (await recordOf(second)).includes('"rehearsedBy"') ? [second, first] : [first, second];
    expect(await recordOf(real)).toContain(`"rehearsedBy":"${rehearsal}"`);
    expect(await recordOf(rehearsal)).toContain(`"before":"${real}"`);
    await leavesNothing();
  });

  test('leaves no trace where it is only rehearsed', async () => {
    const ended = await subject.guard.run(['rehearse', ...quickly, ...sh('echo x >/root/rehearsed')]);
    expect(ended).toMatchObject({ status: 0 });
    expect(await fileExists(instance, '/root/rehearsed')).toBe(false);
    await leavesNothing();
  });
});

test('a command that fails ends with 33, and the report says where', async () => {
  const file = join(subject.guard.stateDirectory, 'report.json');
  const ended = await subject.guard.run(['rehearse', '--report', `json=${file}`, ...quickly, ...sh('exit 5')]);
  expect(ended).toMatchObject({ status: 33 });
  const report = JSON.parse(await readFile(file, 'utf8')) as { runs: { rehearsal: { failedAt: string } }[] };
  expect(report.runs).toMatchObject([{ exitStatus: 33, rehearsal: { failedAt: 'change' } }]);
});
