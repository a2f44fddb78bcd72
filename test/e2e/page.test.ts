import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { addressOf, guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

// The pages of real runs, as they are written during the run and later from the record.

const names = ['e2e-page-1', 'e2e-page-2'] as const;
const [instance] = names;
let guard: GuardUnderTest;
let folder = '';

beforeAll(async () => {
  guard = await guardUnderTest();
  folder = await mkdtemp(join(tmpdir(), 'guard-page-'));
  for (const name of names) {
    await launch(name);
    await waitFor(async () => (await guard.run(['check', addressOf(name)])).status === 0);
  }
});
afterAll(async () => {
  for (const name of names) await remove(name);
  await guard.remove();
  await rm(folder, { recursive: true });
});

const page = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
const at = (words: readonly string[]) => guard.run(words, { cwd: folder });

describe('the page of a run', () => {
  test('that was rolled back has its unit, the log line, both states, and every observation, also from the record', async () => {
    await incusCommand(
      'exec',
      instance,
      '--',
      'sh',
      '-c',
      `printf '[Service]\nExecStart=/bin/sh -c "test ! -e /root/bad || { echo the setting is unknown; exit 7; }; exec sleep 100000"\n' > /etc/systemd/system/shop.service; systemctl start shop`,
    );
    const words = [
      '--report',
      'html=run.html',
      addressOf(instance),
      '--',
      'sh',
      '-c',
      'touch /root/bad; systemctl restart shop',
    ];
    expect(await at(words)).toMatchObject({ status: 11 });
    expect(await at(['show', 'last', '--html', 'show.html'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    for (const name of ['run.html', 'show.html']) {
      const html = await page(name);
      expect(html).toContain('Everything works as before the change: verified at');
      expect(html).toContain('shop.service was running');
      expect(html).toContain('the setting is unknown');
      expect(html).toMatch(/data-title="Before">running<\/td><td[^>]*data-title="After">failed: exit status 7/);
      expect(html).toMatch(/Verify: \d+ observations?/);
      expect(Buffer.byteLength(html)).toBeLessThan(400_000);
    }
    const { stdout } = await at(['show', 'last', '--json']);
    expect(stdout).toContain('"type":"watch-observed"');
  });

  test('is opened where that is wanted, and a browser that is not there is one sentence', async () => {
    await writeFile(join(folder, 'xdg-open'), `#!/bin/sh\necho "$1" >'${join(folder, 'opened')}'\n`, { mode: 0o755 });
    const open = (path: string) =>
      guard.run(['show', 'last', '--html', 'a.html', '--open'], { cwd: folder, env: { PATH: path } });
    expect(await open(`${folder}:${process.env['PATH'] ?? ''}`)).toMatchObject({ status: 0, stderr: '' });
    expect(await page('opened')).toBe(`${join(folder, 'a.html')}\n`);
    const failed = await open('/nowhere');
    expect(failed).toMatchObject({ status: 64, stderr: expect.stringContaining('xdg-open could not open it') });
  });

  test('of a rollout has its waves and the cause, and the history has all of its runs', async () => {
    const words = [...names.map(addressOf), '--canary', '1', '--soak', '0s', '--report', 'html=rollout.html'];
    const ended = await at([
      ...words,
      '--',
      'sh',
      '-c',
      `test "$(hostname)" != ${names[1]} || { echo disk is full; exit 3; }`,
    ]);
    expect(ended).toMatchObject({ status: 40 });
    expect(await at(['rollout', 'status', 'last', '--html', 'status.html'])).toMatchObject({ status: 0, stdout: '' });
    for (const name of ['rollout.html', 'status.html']) {
      const html = await page(name);
      expect(html).toContain('Wave 1, canary');
      expect(html).toContain('1 kept, 1 rolled back');
      expect(html).toContain('disk is full');
      expect(html).toContain('guard rollout resume');
    }
    expect(await at(['runs', '--html', 'history.html'])).toMatchObject({ status: 0 });
    const history = await page('history.html');
    expect(history).toContain('1 of 3');
    for (const name of names) expect(history).toContain(name);
  });

  test.each([
    [['rollout', 'status', '--html', 'x.html'], '--html needs a rollout.'],
    [['rollout', 'status', 'last', '--html', ''], '--html'],
    [['show', 'last', '--html', 'none/x.html'], 'The page cannot be written'],
  ])('%s is refused with the reason', async (words, reason) => {
    expect(await at(words)).toMatchObject({ status: 64, stderr: expect.stringContaining(reason) });
  });
});
