import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { incus } from '../host/host.ts';
import { askOverRest, done, guard, probeOverRest, run, succeeded, type Arena, type Used } from './arena.ts';
import { alternate, timed } from './measure.ts';
import { meterSocket } from './metered-socket.ts';
import { limitRow, ratioRow, type Row } from './row.ts';

/** How many instances change at once. */
const parallel = 10;

/** A round is three rollouts. */
const mostRounds = 10;

/** (k) A rollout whose changes are all kept and whose restore points are removed, against the same steps over REST and with Ansible. Small containers with BusyBox alone. */
export const measureRollout = async (arena: Arena): Promise<Row[]> => {
  await execa('sh', [resolve('test/e2e/busybox-image.sh')], { env: arena.host.env, stdin: 'ignore' });
  const count = arena.quick ? 3 : 50;
  const names = Array.from({ length: count }, (_, number) => `bench-rollout-${number}`);
  await atOnce(names, (name) => incus(arena.host, 'launch', 'guard-busybox', name));
  const playbook = await preparePlaybook(arena, names);
  const used: Used[] = [];
  const sides = await alternate(Math.min(arena.rounds, mostRounds), {
    ours: () =>
      clean(arena, names, async () => {
        const rollout = await guard(arena, ...rolloutWords);
        used.push(rollout);
        return succeeded(Promise.resolve(rollout));
      }),
    rest: () => clean(arena, names, () => timed(() => atOnce(names, (name) => changeOverRest(arena, name)))),
    ansible: () => clean(arena, names, () => succeeded(run(arena, playbook))),
  });
  const cost = await costOf(arena, names);
  await atOnce(names, (name) => incus(arena.host, 'delete', '--force', name));
  // The first round is not counted.
  const counted = used.slice(1);
  const what = `(k) a rollout of ${count}, ${parallel} at once`;
  return [
    ratioRow(
      { what, ours: sides.ours, theirs: sides.rest, against: 'bare REST with two probes' },
      { message: 'at most 1.3 × bare REST', holds: (ratio) => ratio <= 1.3 },
    ),
    ratioRow(
      { what, ours: sides.ours, theirs: sides.ansible, against: `Ansible, forks=${parallel}` },
      { message: 'faster than Ansible', holds: (ratio) => ratio < 1 },
    ),
    limitRow(
      `${what}: memory`,
      counted.map(({ peakMiB }) => peakMiB),
      'MiB',
      250,
    ),
    limitRow(
      `${what}: processor time an instance`,
      counted.map(({ cpuMs }) => cpuMs / count),
      'ms',
      null,
    ),
    limitRow(`${what}: requests an instance`, [cost.requests / count], 'requests', null),
    limitRow(`${what}: traffic an instance`, [cost.bytes / 1024 / count], 'KiB', null),
  ];
};

/** What one rollout asks of its server: for test/rollouts/simulate.sh. */
const costOf = async (
  arena: Arena,
  names: readonly string[],
): Promise<{ readonly requests: number; readonly bytes: number }> => {
  const meter = await meterSocket(join(arena.stateDirectory, 'metered'), arena.host.socket);
  const metered: Arena = { ...arena, host: { ...arena.host, env: { ...arena.host.env, INCUS_SOCKET: meter.path } } };
  await clean(arena, names, () => succeeded(guard(metered, ...rolloutWords)));
  await meter.close();
  return { requests: meter.requests(), bytes: meter.bytes() };
};

const rolloutWords = [
  '--soak',
  '0s',
  '--keep',
  '0',
  '--quiet',
  '--max-parallel',
  String(parallel),
  'bench-rollout-*',
  '--',
  'true',
];

/** Works on ten instances at once, until all are done. */
const atOnce = async (names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> => {
  const left = [...names];
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
};

/** The snapshots of a side are removed before the next is measured. */
const clean = async (arena: Arena, names: readonly string[], work: () => Promise<number>): Promise<number> => {
  const ms = await work();
  await atOnce(names, async (name) => {
    const snapshots = await arena.rest.listSnapshots(name);
    if (!snapshots.ok) throw new Error(JSON.stringify(snapshots.error));
    for (const { name: snapshot } of snapshots.value) await done(arena.rest.deleteSnapshot(name, snapshot, limit));
  });
  return ms;
};

const limit = { limitMs: 600_000 };

/** A restore point, guard's own observation of the instance before and after the command, and the end of the restore point. */
const changeOverRest = async (arena: Arena, name: string): Promise<void> => {
  await done(arena.rest.createSnapshot(name, { name: 'before-change', expiresAt: null }, limit));
  await probeOverRest(arena, name);
  await askOverRest(arena, name, 'true');
  await probeOverRest(arena, name);
  await done(arena.rest.deleteSnapshot(name, 'before-change', limit));
};

const preparePlaybook = async (arena: Arena, names: readonly string[]): Promise<string[]> => {
  if ((await execa('ansible-playbook', ['--version'], { reject: false })).exitCode !== 0)
    await execa('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'ansible-core'], { stdin: 'ignore' });
  const inventory = join(arena.stateDirectory, 'inventory');
  await writeFile(inventory, `${names.join('\n')}\n`);
  const playbook = resolve('test/bench/scripts/rollout.yaml');
  return ['ansible-playbook', '--forks', String(parallel), '-i', inventory, playbook];
};
