import { join, resolve } from 'node:path';
import { askOverRest, container, done, guard, removeContainer, run, succeeded, type Arena } from './arena.ts';
import { alternate, median, timed } from './measure.ts';
import { readTrace, type Part, type Profile, type Times } from './profile.ts';
import { ratioRow, type Row } from './row.ts';

const limit = { limitMs: 600_000 };

const keptRun = (arena: Arena, instance: string, ...options: readonly string[]): Promise<number> =>
  succeeded(guard(arena, '--soak', '0s', '--keep', '0', '--quiet', ...options, instance, '--', 'true'));

/** Incus' own operations for a kept run, one after the other. */
const restSteps = (arena: Arena, instance: string) => ({
  snapshot: () =>
    timed(() => done(arena.rest.createSnapshot(instance, { name: 'before-change', expiresAt: null }, limit))),
  command: () => timed(() => askOverRest(arena, instance, 'true')),
  check: () => timed(() => askOverRest(arena, instance, 'systemctl', 'is-active', '--quiet', 'multi-user.target')),
  removal: () => timed(() => done(arena.rest.deleteSnapshot(instance, 'before-change', limit))),
});

/** One kept run of `true`, as three sides. */
const sidesOf = (arena: Arena, instance: string) => ({
  ours: () => keptRun(arena, instance),
  script: () => succeeded(run(arena, ['sh', resolve('test/bench/scripts/kept.sh'), instance])),
  rest: () =>
    timed(async () => {
      for (const step of Object.values(restSteps(arena, instance))) await step();
    }),
  version: () => succeeded(guard(arena, '--version')),
});

/** Where the time of a kept run goes, beside what Incus' own operations take. */
const profileOf = async (arena: Arena, instance: string): Promise<Profile> => {
  const file = join(arena.stateDirectory, 'kept-run.json');
  const rounds: { readonly times: Times; readonly ms: number }[] = [];
  const steps = restSteps(arena, instance);
  const rest: Record<keyof typeof steps, number[]> = { snapshot: [], command: [], check: [], removal: [] };
  for (let round = 0; round < arena.rounds; round += 1) {
    const ms = await keptRun(arena, instance, '--trace', file);
    rounds.push({ times: await readTrace(file), ms });
    for (const [name, step] of Object.entries(steps)) rest[name as keyof typeof steps].push(await step());
  }
  const part = (
    what: string,
    length: (times: Times, ms: number) => number,
    own: readonly number[] | null = null,
  ): Part => ({ what, guard: rounds.map(({ times, ms }) => length(times, ms)), rest: own });
  return {
    title: 'A kept run, idle Debian',
    parts: [
      part('Node and guard start, up to the first request', (times) => times.firstRequest),
      part('inspect; the first look has begun', (times) => times.end('inspect') - times.firstRequest),
      part(
        'the rest of the look, the restore point, the mark',
        (times) => times.begin('command') - times.end('inspect'),
        rest.snapshot,
      ),
      part('command', (times) => times.end('command') - times.begin('command'), rest.command),
      part('verify: the second look', (times) => times.end('verify') - times.end('command'), rest.check),
      part('keep: mark and restore point go', (times) => times.end('keep') - times.end('verify'), rest.removal),
      part('the record, and the end of the process', (times, ms) => ms - times.end('keep')),
    ],
  };
};

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
        message: 'at most 1.0 × the script',
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
      { message: 'at most 1.3 × bare REST and start-up', holds: (ratio) => ratio <= 1.3 },
    ),
  ];
};

/** (b) on an idle Debian container. */
export const measureIdleKeptRun = async (arena: Arena): Promise<Row[]> => {
  const instance = await container(arena, 'bench-idle');
  const rows = await measureKeptRun(arena, { instance, about: ', idle Debian', rounds: arena.rounds });
  arena.note(await profileOf(arena, instance));
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
