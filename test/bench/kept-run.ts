import { resolve } from 'node:path';
import { createSnapshot, deleteSnapshot } from '../../src/incus/snapshot.ts';
import { askOverRest, container, done, guard, removeContainer, run, succeeded, type Arena } from './arena.ts';
import { alternate, median, timed } from './measure.ts';
import { ratioRow, type Row } from './row.ts';

const limit = { limitMs: 600_000 };

/** One kept run of `true`, as three sides. */
const sidesOf = (arena: Arena, instance: string) => ({
  ours: () => succeeded(guard(arena, '--soak', '0s', '--keep', '0', '--quiet', instance, '--', 'true')),
  script: () => succeeded(run(arena, ['sh', resolve('test/bench/scripts/kept.sh'), instance])),
  rest: () =>
    timed(async () => {
      await done(createSnapshot(arena.rest, instance, { name: 'before-change', expiresAt: null }, limit));
      await askOverRest(arena, instance, 'true');
      await askOverRest(arena, instance, 'systemctl', 'is-active', '--quiet', 'multi-user.target');
      await done(deleteSnapshot(arena.rest, instance, 'before-change', limit));
    }),
  version: () => succeeded(guard(arena, '--version')),
});

/** (b) A change that is kept. `about` tells of what kind of container. */
export const measureKeptRun = async (
  arena: Arena,
  { instance, about, rounds }: { readonly instance: string; readonly about: string; readonly rounds: number },
): Promise<Row[]> => {
  const { ours, script, rest, version } = await alternate(rounds, sidesOf(arena, instance));
  const start = median(version);
  return [
    ratioRow(
      { what: `a kept run${about}`, ours, theirs: script, against: 'the script' },
      {
        says: 'at most 1.0 × the script',
        holds: (ratio) => ratio <= 1,
      },
    ),
    ratioRow(
      {
        what: `a kept run${about}, less start-up`,
        ours: ours.map((ms) => ms - start),
        theirs: rest,
        against: 'bare REST',
      },
      { says: 'at most 1.3 × bare REST and start-up', holds: (ratio) => ratio <= 1.3 },
    ),
  ];
};

/** (b) on an idle Debian container. */
export const measureIdleKeptRun = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-idle');
  const rows = await measureKeptRun(arena, { instance, about: ', idle Debian', rounds: arena.rounds });
  await removeContainer(arena, instance);
  return rows.map((row) => ({ ...row, what: `(b) ${row.what}` }));
};

/** (h) The same with many files and much data, on both drivers. */
export const measureLargeKeptRuns = async (arena: Arena): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const [driver, pool] of [
    ['btrfs', 'default'],
    ['dir', 'dirpool'],
  ] as const) {
    const instance = await container(arena, `bench-large-${driver}`, '--storage', pool);
    await fill(arena, instance);
    const about = `, ${arena.quick ? '500 files' : '50,000 files and 2 GB'} on ${driver}`;
    const rounds = driver === 'dir' ? Math.min(3, arena.rounds) : arena.rounds;
    rows.push(...(await measureKeptRun(arena, { instance, about, rounds })));
    await removeContainer(arena, instance);
  }
  return rows.map((row) => ({ ...row, what: `(h) ${row.what}` }));
};

const fill = (arena: Arena, instance: string): Promise<void> => {
  const { files, megabytes } = arena.quick ? { files: 5, megabytes: 1 } : { files: 500, megabytes: 2000 };
  return askOverRest(
    arena,
    instance,
    'sh',
    '-c',
    `mkdir /srv/many; cd /srv/many; for d in $(seq 100); do mkdir $d; for f in $(seq ${files}); do echo $f >$d/$f; done; done
     head -c ${megabytes}000000 /dev/urandom >/srv/large; sync`,
  );
};
