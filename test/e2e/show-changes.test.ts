import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

/** Three services of its own: one that runs, one that will fail, one that is stopped. */
const instance = 'e2e-show';
let guard: GuardUnderTest;

const inside = (script: string): Promise<string> => incusCommand('exec', instance, '--', 'sh', '-ec', script);

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  await vi.waitUntil(async () => (await guard.run(['check', instance])).status === 0, { timeout: 60_000 });
  await inside(
    'for name in runs fails starts; do ' +
      "printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/$name.service; done; " +
      'systemctl daemon-reload; systemctl enable --quiet runs fails starts; systemctl start runs fails',
  );
});
afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

test('guard show --changes has the units whose state changed, as a diff', async () => {
  const change =
    'systemctl stop runs; systemctl kill --signal=KILL fails; systemctl start starts; ' +
    'until systemctl is-failed --quiet fails; do :; done';
  const words = ['--soak', '0s', '--on-failure', 'keep', instance, '--', 'sh', '-c', change];
  expect((await guard.run(words)).status).toBe(13);

  const { status, stdout } = await guard.run(['show', 'last', '--changes']);
  expect(status).toBe(0);
  const lines = stdout.split('\n');
  expect(lines.slice(0, 2)).toEqual(['--- before', '+++ after']);
  expect(lines).toEqual(
    expect.arrayContaining([
      '-unit runs.service running',
      '+unit runs.service stopped',
      '-unit fails.service running',
      '+unit fails.service failed',
      '-unit starts.service stopped',
      '+unit starts.service running',
    ]),
  );

  expect((await guard.run(['show', 'last'])).stdout).toContain('unit fails.service: running → failed');

  const events = (await guard.run(['show', 'last', '--json'])).stdout.trim().split('\n');
  const changes = events.map((line) => JSON.parse(line) as { type: string; changes?: object });
  expect(changes.find(({ type }) => type === 'changes')?.changes).toMatchObject({
    units: { changed: expect.arrayContaining([{ name: 'fails.service', from: 'running', to: 'failed' }]) as unknown },
  });
});
