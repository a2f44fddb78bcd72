import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { bringUp, imageOf, incus, takeDown, type Host } from '../host/host.ts';
import { closeScene, inside, openScene, outcomeOf, startRun, stateOf, type Scene } from './faults-subject.ts';

// Real packages of two releases: several minutes on a slow line.
let host: Host;
let scene: Scene | null = null;

beforeAll(async () => {
  host = await bringUp({ name: `pg-${Date.now().toString(36)}` });
});
afterEach(async () => {
  if (scene !== null) await closeScene(scene);
});
afterAll(() => takeDown(host));

const asPostgres = (statement: string) => `runuser -u postgres -- psql -p 5432 -Atc "${statement}"`;
const rows = asPostgres('SELECT id FROM people ORDER BY id');

/** The next release's server takes the data over; the old one goes; then the application's migration loses what it should not. */
const badUpgrade = `set -e
  sed -i s/bookworm/trixie/g $(grep -rl bookworm /etc/apt/sources.list /etc/apt/sources.list.d)
  apt-get update -qq
  apt-get install -y -qq -o Dpkg::Options::=--force-confold postgresql
  pg_dropcluster --stop 17 main || :
  pg_upgradecluster 15 main
  pg_dropcluster 15 main
  apt-get purge -y -qq postgresql-15
  ${asPostgres('DELETE FROM people WHERE id > 1')}
  sync`;

test('PostgreSQL on a volume of its own, upgraded badly: its rows and its version are both back (F19, F20)', async () => {
  const image = await imageOf(host, 'bookworm');
  await incus(host, 'storage', 'volume', 'create', 'default', 'pg-data');
  scene = await openScene(host, 'gt-postgres', ['--device', 'root,size=8GiB'], image);
  await incus(
    host,
    'storage',
    'volume',
    'attach',
    'default',
    'pg-data',
    scene.instance,
    'pg-data',
    '/var/lib/postgresql',
  );
  await inside(
    scene,
    'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null',
  );
  await inside(scene, asPostgres('CREATE TABLE people AS SELECT generate_series(1, 3) AS id'));
  const before = await inside(scene, asPostgres('SHOW server_version'));
  expect(before).toMatch(/^15\./);

  const run = startRun(scene, badUpgrade, '--check', `test "$(${rows})" = "$(printf '1\\n2\\n3')"`, '--timeout', '20m');
  const end = await run.ended;
  expect(outcomeOf(end)).toEqual({ outcome: 'rolled-back', cause: 'unhealthy' });
  // It was the new server whose rows were gone.
  expect(JSON.stringify(end.events)).toMatch(/"name":"postgresql-17","from":null,"to":"17/);

  expect(await inside(scene, rows)).toBe('1\n2\n3');
  expect(await inside(scene, asPostgres('SHOW server_version'))).toBe(before);
  expect(await inside(scene, 'ls /var/lib/postgresql')).toBe('15');
  expect(await inside(scene, `dpkg-query -W -f '\${Status}' postgresql-15`)).toBe('install ok installed');
  await expect(inside(scene, 'dpkg-query -W postgresql-17')).rejects.toThrow('no packages found');
  expect(await stateOf(scene)).toMatchObject({ status: 'Running', held: false });
  expect(await incus(host, 'query', '/1.0/storage-pools/default/volumes/custom/pg-data/snapshots')).not.toContain(
    'guard',
  );
}, 1_800_000);
