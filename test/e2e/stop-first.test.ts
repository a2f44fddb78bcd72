import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest, type Started } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-stop-first';
let guard: GuardUnderTest;

const inside = (script: string): Promise<string> => incusCommand('exec', instance, '--', 'sh', '-c', script);

/** Keeps what it knows in memory, and writes it down when it is asked to end: a copy of it while it runs lacks that. */
const unit = `[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c "echo written >/root/flushed; sync"
[Install]
WantedBy=multi-user.target
`;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  await waitFor(async () => (await inside('systemctl is-system-running || true')) === 'running');
  await inside(
    `cat >/etc/systemd/system/memory.service <<'END'\n${unit}END\nsystemctl daemon-reload; systemctl enable --now memory.service`,
  );
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

beforeEach(() => inside('rm -f /root/changed /root/flushed'));

const words = (script: string): string[] => [
  '--soak',
  '0s',
  '--retry',
  '--stop-first',
  instance,
  '--',
  'sh',
  '-c',
  script,
];

const isFree = async (): Promise<void> => {
  expect(await statusOf(instance)).toBe('Running');
  expect(await fileExists(instance, '/root/changed')).toBe(false);
  expect(await inside('systemctl is-active memory.service')).toBe('active');
  for (const key of ['user.guard.quiesce', 'user.guard.run'])
    expect(await incusCommand('config', 'get', instance, key)).toBe('');
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
};

test('the restore point is of an instance at rest, and the run goes on with one that runs (F21)', async () => {
  const run = await guard.run(words('touch /root/changed; rm /root/flushed; exit 3'));
  expect(run.status).toBe(10);
  // What was only written because it was stopped in peace is in the restore point.
  expect(await inside('cat /root/flushed')).toBe('written');
  await isFree();
});

test('an instance that does not run is not started for that', async () => {
  await incusCommand('stop', instance);
  const plan = await guard.run(['plan', '--stop-first', instance, '--', 'true']);
  expect(plan.stdout).not.toContain('would be stopped for its restore point');
  expect((await guard.run(words('true'))).status).toBe(0);
  expect(await statusOf(instance)).toBe('Stopped');
  await incusCommand('start', instance);
  await waitFor(async () => (await inside('systemctl is-active memory.service || true')) === 'active');
});

const message = (started: Started, wanted: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let said = '';
    started.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(wanted)) resolve();
    });
    started.stdout.once('end', () => reject(new Error(`the run ended before ${wanted}: ${said}`)));
  });

const isStopped = async (): Promise<boolean> => (await statusOf(instance)) === 'Stopped';

const moments: readonly (readonly [string, (started: Started) => Promise<void>])[] = [
  ['before the stop', (started) => message(started, '"phase-started","phase":"restore-point"')],
  ['while it is stopped', () => waitFor(isStopped, { everyMs: 5 })],
  ['before the snapshot', (started) => message(started, '"lease-acquired"')],
  [
    'before the start',
    () => waitFor(async () => (await snapshotNames(instance)).includes('guard-in-flight'), { everyMs: 5 }),
  ],
  ['after the start', (started) => message(started, '"quiesce-ended"')],
  ['when it is held', (started) => message(started, '"restore-point-created"')],
];

describe('kill -9 around a restore point that stops the instance (F12)', () => {
  test.each(moments)('%s', async (_name, moment) => {
    const run = guard.start(['--json', ...words('touch /root/changed')]);
    await moment(run);
    run.kill('SIGKILL');
    await run;
    const recovered = await guard.run(['recover', instance]);
    expect(recovered.stderr).not.toContain('bug');
    expect(recovered.status).toBe(0);
    await waitFor(async () => (await inside('systemctl is-active memory.service || true')) === 'active');
    await isFree();
  });
});
