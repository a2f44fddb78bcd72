import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-hooks-db';
let guard: GuardUnderTest;

const inside = (script: string): Promise<string> => incusCommand('exec', instance, '--', 'sh', '-c', script);

/** A session of its own holds a read lock over all tables; when it sleeps, it has it. */
const holdTables = `#!/bin/sh
setsid mariadb -e "FLUSH TABLES WITH READ LOCK; DO SLEEP(1000)" </dev/null >/dev/null 2>&1 &
until holders | grep -q .; do sleep 0.1; done
`;

const holders = `#!/bin/sh
mariadb -N -e "SELECT id FROM information_schema.processlist WHERE info = 'DO SLEEP(1000)'"
`;

const releaseTables = `#!/bin/sh
for id in $(holders); do mariadb -e "KILL $id"; done
`;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  await waitFor(async () => (await inside('systemctl is-system-running || true')) === 'running');
  await inside(
    'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mariadb-server >/dev/null 2>&1',
  );
  for (const [name, text] of Object.entries({ holders, 'hold-tables': holdTables, 'release-tables': releaseTables })) {
    await execa('incus', ['file', 'push', '--mode', '0755', '-', `${instance}/usr/local/sbin/${name}`], {
      input: text,
    });
  }
  await inside(
    'mariadb -e "CREATE DATABASE shop; CREATE TABLE shop.rows (n INT) ENGINE=Aria; INSERT INTO shop.rows VALUES (1)"',
  );
}, 300_000);

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const hooks = ['--hook=beforeRestorePoint=hold-tables', '--hook=afterRestorePoint=release-tables'];
const quick = ['--soak', '0s', '--retry'];

/** A row is written, or the tables are held. */
const canWrite = async (): Promise<boolean> => {
  const written = 'timeout 3 mariadb -e "SET lock_wait_timeout=1; INSERT INTO shop.rows VALUES (2)" 2>&1 || echo held';
  return (await inside(written)) === '';
};

test('the tables of a real database are at rest in the restore point, and written to afterwards (F21)', async () => {
  const seen = `--hook=host:beforeRestorePoint=incus exec ${instance} -- sh -c 'timeout 3 mariadb -e "SET lock_wait_timeout=1; INSERT INTO shop.rows VALUES (3)"' && exit 1 || exit 0`;
  const run = await guard.run([...quick, ...hooks, seen, instance, '--', 'mariadb', '-e', 'DROP TABLE shop.rows']);
  expect(run.status).toBe(0);
  expect(await inside('mariadb -N -e "SHOW TABLES IN shop"')).toBe('');
  expect((await guard.run(['rollback', '-y', instance])).status).toBe(0);
  // Not one row was written between the lock and the copy.
  expect(await inside('mariadb -N -e "SELECT COUNT(*) FROM shop.rows WHERE n = 3"')).toBe('0');
  expect(await canWrite()).toBe(true);
  expect(await incusCommand('config', 'get', instance, 'user.guard.quiesce')).toBe('');
});

test('guard killed while the tables are held: recover lets them go (F12)', async () => {
  const process = guard.start([
    '--json',
    ...quick,
    ...hooks,
    '--hook=host:beforeRestorePoint=sleep 60',
    instance,
    '--',
    'true',
  ]);
  await waitFor(async () => (await inside('holders')) !== '');
  process.kill('SIGKILL');
  await process;
  expect(await canWrite()).toBe(false);
  expect((await guard.run(['recover', instance])).status).toBe(0);
  expect(await canWrite()).toBe(true);
  expect(await incusCommand('config', 'get', instance, 'user.guard.quiesce')).toBe('');
});
