import { execa } from 'execa';
import { join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { systemClock } from '../../src/clock.ts';
import { incus, waitFor } from '../host/host.ts';
import { guard, run, type Arena, type Used } from './arena.ts';
import { alternate, type Series } from './measure.ts';
import { limitRow, ratioRow, type Row } from './row.ts';

const asAlone = { says: 'no more than alone, to 5 %', holds: (ratio: number) => ratio <= 1.05 } as const;

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
      asAlone,
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
    ...(await measureAgent(arena, names, some)),
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

/** The agent with a relay into each: at rest, and when package managers in many of them ask for a way back at once. */
const measureAgent = async (arena: Arena, names: readonly string[], some: number): Promise<Row[]> => {
  const hooked = resolve('test/e2e/hooked.sh');
  for (const name of names) await incus(arena.host, 'file', 'push', '--mode', '755', hooked, `${name}/bin/hooked`);
  const agent = await startAgent(arena, names.length);
  const before = agent.cpuMs();
  const idleMs = arena.quick ? 2000 : 30_000;
  await systemClock.sleep(idleMs);
  const percent = ((agent.cpuMs() - before) * 100) / idleMs;
  const idleMiB = agent.memoryMiB('VmRSS');
  const walls: Record<'some' | 'most', number[]> = { some: [], most: [] };
  const batch = async (size: keyof typeof walls, wanted: readonly string[]): Promise<number> => {
    const { wallMs, cpuMs } = await agent.guards(wanted);
    walls[size].push(wallMs);
    return cpuMs / wanted.length;
  };
  const cpuMs = await alternate(Math.min(arena.rounds, mostRounds), {
    // Its time is told in hundredths of a second: ten in turn count as one.
    one: async () => {
      const alone: number[] = [];
      for (const name of names.slice(0, 10)) alone.push((await agent.guards([name])).cpuMs);
      return alone.reduce((sum, ms) => sum + ms, 0) / alone.length;
    },
    some: () => batch('some', names.slice(0, some)),
    most: () => batch('most', names),
  });
  const peakMiB = agent.memoryMiB('VmHWM');
  await agent.end();
  const most = names.length;
  return [
    limitRow(`(f) the agent with ${most} relays: memory`, [idleMiB], 'MiB', 150),
    limitRow(`(f) the agent with ${most} relays: processor while idle`, [percent], '% of one core', null),
    limitRow(`(f) one agent, ${some} at once: until the last has ended`, walls.some.slice(1), 'ms', null),
    limitRow(`(f) one agent, ${some} at once: its processor time a container`, cpuMs.some, 'ms', null),
    limitRow(`(f) one agent, ${most} at once: until the last has ended`, walls.most.slice(1), 'ms', null),
    limitRow(`(f) one agent, ${most} at once: its most memory`, [peakMiB], 'MiB', 150),
    ratioRow(
      {
        what: `(f) one agent, ${most} at once: its processor time a container`,
        ours: cpuMs.most,
        theirs: cpuMs.one,
        against: '1 alone',
      },
      asAlone,
    ),
  ];
};

/** A `guard agent` that has a relay into `relays` instances, and nothing else to wait for than health. */
const startAgent = async (arena: Arena, relays: number) => {
  const configuration = join(arena.stateDirectory, 'agent.yaml');
  await writeFile(configuration, 'defaults: { soak: 0s, hook: { settle: 0s } }\n', { mode: 0o600 });
  const agent = spawn(process.execPath, [arena.program, 'agent', '--json', '--config', configuration], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...arena.host.env, GUARD_STATE_DIR: arena.stateDirectory },
  });
  let text = '';
  agent.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const seen = (type: string): number => text.split(`"type":"${type}"`).length - 1;
  const limit = { limitMs: 120_000 };
  await waitFor(() => seen('relay-up') >= relays, limit);
  const file = (name: string): string => readFileSync(`/proc/${agent.pid}/${name}`, 'utf8');
  /** User and system time, which is counted in ticks of 10 ms. */
  const cpuMs = (): number => {
    const stat = file('stat');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  };
  return {
    cpuMs,
    memoryMiB: (key: 'VmRSS' | 'VmHWM'): number =>
      Number(new RegExp(`${key}:\\s+(\\d+)`).exec(file('status'))?.[1]) / 1024,
    /** A transaction in each at once, until the last one is kept. */
    guards: async (names: readonly string[]): Promise<{ readonly wallMs: number; readonly cpuMs: number }> => {
      const already = seen('transaction-ended');
      const [cpuBefore, began] = [cpuMs(), performance.now()];
      const answers = await Promise.all(
        names.map((name) => incus(arena.host, 'exec', name, '--', 'hooked', 'true', '0')),
      );
      const refused = answers.find((answer) => !answer.startsWith('go '));
      if (refused !== undefined) throw new Error(`one of ${names.length} may not go on: ${refused}`);
      await waitFor(() => seen('transaction-ended') >= already + names.length, limit);
      return { wallMs: performance.now() - began, cpuMs: cpuMs() - cpuBefore };
    },
    end: async (): Promise<void> => {
      const gone = new Promise((resolve) => agent.once('exit', resolve));
      agent.kill('SIGTERM');
      await gone;
    },
  };
};
