import { execa } from 'execa';
import { join, resolve } from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { systemClock } from '../../src/clock.ts';
import { incus, waitFor } from '../host/host.ts';
import { guard, run, type Arena, type Used } from './arena.ts';
import { alternate, type Series } from './measure.ts';
import { limitRow, ratioRow, type Row } from './row.ts';

/** A round of the largest number takes half a minute. */
const mostRounds = 5;

/** (f) Many containers at once: one guard each, and one agent for all. Small containers with BusyBox alone. */
export const measureMany = async (arena: Arena): Promise<Row[]> => {
  await execa('sh', [resolve('test/e2e/busybox-image.sh')], { env: arena.host.env, stdin: 'ignore' });
  const [some, most] = arena.quick ? [2, 3] : [10, 50];
  const names = Array.from({ length: most }, (_, number) => `bench-many-${number}`);
  for (const name of names) await incus(arena.host, 'launch', 'guard-busybox', name, '-c', 'user.guard.hook=1 none');
  const program = join(arena.stateDirectory, 'empty.cjs');
  await writeFile(program, '');
  const guards = eachAtOnce(names, (name) =>
    guard(arena, '--soak', '0s', '--keep', '0', '--quiet', name, '--', 'true'),
  );
  // What the machine makes of many processes at once by itself: a program that does nothing.
  const empty = eachAtOnce(names, () => run(arena, [process.execPath, program]));
  const cpuMs = await alternate(Math.min(arena.rounds, mostRounds), {
    one: () => guards.cpuMs(1),
    some: () => guards.cpuMs(some),
    most: () => guards.cpuMs(most),
    emptyOne: () => empty.cpuMs(1),
    emptyMost: () => empty.cpuMs(most),
  });
  const rows = [
    ...guards.rows(1, cpuMs.one),
    ...guards.rows(some, cpuMs.some),
    ...guards.rows(most, cpuMs.most),
    ratioRow(
      {
        what: `(f) processor time a container, ${most} at once`,
        ours: cpuMs.most,
        theirs: cpuMs.one,
        against: '1 alone',
      },
      // Their clock ticks a hundred times a second.
      { says: 'no more than alone, to 5 %', holds: (ratio) => ratio <= 1.05 },
    ),
    ratioRow(
      {
        what: `(f) the same of an empty program in Node`,
        ours: cpuMs.emptyMost,
        theirs: cpuMs.emptyOne,
        against: '1 alone',
      },
      null,
    ),
    ...(await measureAgent(arena, names)),
  ];
  await Promise.all(names.map((name) => incus(arena.host, 'delete', '--force', name)));
  return rows;
};

/** Processes that are begun together, and what they took: all batches of one size are counted together. */
const eachAtOnce = (names: readonly string[], work: (name: string) => Promise<Used>) => {
  const batches = new Map<number, { readonly wallMs: number; readonly peakMiB: readonly number[] }[]>();
  const batch = async (some: readonly string[]): Promise<number> => {
    const began = performance.now();
    const used = await Promise.all(some.map(work));
    const failed = used.find(({ status }) => status !== 0);
    if (failed) throw new Error(`one of ${some.length} ended with ${failed.status}`);
    const known = batches.get(some.length) ?? [];
    batches.set(some.length, [
      ...known,
      { wallMs: performance.now() - began, peakMiB: used.map(({ peakMiB }) => peakMiB) },
    ]);
    return used.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / used.length;
  };
  return {
    /** The mean of one process. One alone is no measure, since its time is told in hundredths of a second: then that of ten in turn. */
    cpuMs: async (count: number): Promise<number> => {
      if (count > 1) return batch(names.slice(0, count));
      const alone: number[] = [];
      for (const name of names.slice(0, 10)) alone.push(await batch([name]));
      return alone.reduce((sum, ms) => sum + ms, 0) / alone.length;
    },
    rows: (count: number, cpuMs: Series): Row[] => {
      const all = batches.get(count) ?? [];
      const walls = all.map(({ wallMs }) => wallMs);
      const peaks = all.flatMap(({ peakMiB }) => peakMiB);
      return [
        limitRow(`(f) ${count} at once: until the last has ended`, walls, 'ms', null),
        limitRow(`(f) ${count} at once: processor time a container`, cpuMs, 'ms', null),
        limitRow(`(f) ${count} at once: memory of one guard`, peaks, 'MiB', null),
      ];
    },
  };
};

/** The agent with a relay into each, while nothing happens. */
const measureAgent = async (arena: Arena, names: readonly string[]): Promise<Row[]> => {
  const agent = spawn(process.execPath, [arena.program, 'agent', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...arena.host.env, GUARD_STATE_DIR: arena.stateDirectory },
  });
  let text = '';
  agent.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const gone = new Promise((resolve) => agent.once('exit', resolve));
  await waitFor(() => text.split('"relay-up"').length - 1 >= names.length, { limitMs: 120_000 });
  const before = await ticksOf(agent.pid ?? 0);
  const idleMs = arena.quick ? 2000 : 30_000;
  await systemClock.sleep(idleMs);
  const after = await ticksOf(agent.pid ?? 0);
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8');
  agent.kill('SIGTERM');
  await gone;
  const memory = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  const percent = ((after - before) * 10 * 100) / idleMs;
  return [
    limitRow(`(f) the agent with ${names.length} relays: memory`, [memory], 'MiB', 150),
    limitRow(`(f) the agent with ${names.length} relays: processor while idle`, [percent], '% of one core', null),
  ];
};

/** User and system time in ticks of 10 ms. */
const ticksOf = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
};
