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

const asAlone = { message: 'no more than alone, to 5 %', holds: (ratio: number) => ratio <= 1.05 } as const;

/** A round of the largest number takes half a minute. */
const mostRounds = 5;

/** (f) Many containers at once: one guard each, and one agent for all. Small containers with BusyBox alone. */
export const measureMany = async (arena: Arena): Promise<Row[]> => {
  await execa('sh', [resolve('test/e2e/busybox-image.sh')], { env: arena.host.env, stdin: 'ignore' });
  const [some, most] = arena.quick ? [2, 3] : [10, 50];
  const names = Array.from({ length: most }, (_, number) => `bench-many-${number}`);
  for (const name of names) await incus(arena.host, 'launch', 'guard-busybox', name, '-c', 'user.guard.hook=1 none');
  const rows = [...(await measureGuards(arena, names, some)), ...(await measureAgent(arena, names, some))];
  await Promise.all(names.map((name) => incus(arena.host, 'delete', '--force', name)));
  return rows;
};

const measureGuards = async (arena: Arena, names: readonly string[], some: number): Promise<Row[]> => {
  const program = join(arena.stateDirectory, 'empty.cjs');
  await writeFile(program, '');
  const guards = together((name) => guard(arena, '--soak', '0s', '--keep', '0', '--quiet', name, '--', 'true'));
  // What the machine makes of many processes at once by itself: a program that does nothing.
  const empty = together(() => run(arena, [process.execPath, program]));
  const most = names.length;
  const batches = await alternate(Math.min(arena.rounds, mostRounds), {
    one: () => oneByOne(names, guards),
    some: () => guards(names.slice(0, some)),
    most: () => guards(names),
    emptyOne: () => oneByOne(names, empty),
    emptyMost: () => empty(names),
  });
  const rowsOf = (count: number, of: readonly Batch[]): Row[] => [
    limitRow(`(f) ${count} at once: until the last has ended`, wallsOf(of), 'ms', null),
    limitRow(`(f) ${count} at once: processor time a container`, cpuOf(of), 'ms', null),
    limitRow(
      `(f) ${count} at once: memory of one guard`,
      of.flatMap(({ peakMiB }) => peakMiB),
      'MiB',
      null,
    ),
  ];
  return [
    ...rowsOf(1, batches.one),
    ...rowsOf(some, batches.some),
    ...rowsOf(most, batches.most),
    ratioRow(
      {
        what: `(f) processor time a container, ${most} at once`,
        ours: cpuOf(batches.most),
        theirs: cpuOf(batches.one),
        against: '1 alone',
      },
      asAlone,
    ),
    ratioRow(
      {
        what: '(f) the same of an empty program in Node',
        ours: cpuOf(batches.emptyMost),
        theirs: cpuOf(batches.emptyOne),
        against: '1 alone',
      },
      null,
    ),
  ];
};

/** What it took to guard some containers at once. */
interface Batch {
  /** Until the last has ended, in milliseconds. */
  readonly wallMs: number;
  /** Processor time a container, in milliseconds. */
  readonly cpuMs: number;
  /** The most memory of each process. */
  readonly peakMiB: readonly number[];
}

type GuardAll = (names: readonly string[]) => Promise<Batch>;

const wallsOf = (batches: readonly Batch[]): Series => batches.map(({ wallMs }) => wallMs);
const cpuOf = (batches: readonly Batch[]): Series => batches.map(({ cpuMs }) => cpuMs);

/** A process for each. */
const together =
  (work: (name: string) => Promise<Used>): GuardAll =>
  async (names) => {
    const began = performance.now();
    const used = await Promise.all(names.map(work));
    const failed = used.find(({ status }) => status !== 0);
    if (failed) throw new Error(`one of ${names.length} ended with ${failed.status}`);
    return {
      wallMs: performance.now() - began,
      cpuMs: mean(used.map(({ cpuMs }) => cpuMs)),
      peakMiB: used.map(({ peakMiB }) => peakMiB),
    };
  };

/** The mean of ten: processor time is told in hundredths of a second, so that a single one is no measure. */
const oneByOne = async (names: readonly string[], guardAll: GuardAll): Promise<Batch> => {
  const each: Batch[] = [];
  for (const name of names.slice(0, 10)) each.push(await guardAll([name]));
  return { wallMs: mean(wallsOf(each)), cpuMs: mean(cpuOf(each)), peakMiB: each.flatMap(({ peakMiB }) => peakMiB) };
};

const mean = (series: Series): number => series.reduce((sum, value) => sum + value, 0) / series.length;

/** The agent with a relay into each: at rest, and when package managers in many of them ask for a way back at once. */
const measureAgent = async (arena: Arena, names: readonly string[], some: number): Promise<Row[]> => {
  const hooked = resolve('test/e2e/hooked.sh');
  for (const name of names) await incus(arena.host, 'file', 'push', '--mode', '755', hooked, `${name}/bin/hooked`);
  const agent = await startAgent(arena, names.length);
  try {
    const before = agent.cpuMs();
    const idleMs = arena.quick ? 2000 : 30_000;
    await systemClock.sleep(idleMs);
    const percent = ((agent.cpuMs() - before) * 100) / idleMs;
    const idleMiB = agent.memoryMiB('VmRSS');
    const batches = await alternate(Math.min(arena.rounds, mostRounds), {
      one: () => oneByOne(names, agent.guards),
      some: () => agent.guards(names.slice(0, some)),
      most: () => agent.guards(names),
    });
    const most = names.length;
    const rowsOf = (count: number, of: readonly Batch[]): Row[] => [
      limitRow(`(f) one agent, ${count} at once: until the last has ended`, wallsOf(of), 'ms', null),
      limitRow(`(f) one agent, ${count} at once: its processor time a container`, cpuOf(of), 'ms', null),
    ];
    return [
      limitRow(`(f) the agent with ${most} relays: memory`, [idleMiB], 'MiB', 150),
      limitRow(`(f) the agent with ${most} relays: processor while idle`, [percent], '% of one core', null),
      ...rowsOf(1, batches.one),
      ...rowsOf(some, batches.some),
      ...rowsOf(most, batches.most),
      ratioRow(
        {
          what: `(f) one agent: processor time a container, ${most} at once`,
          ours: cpuOf(batches.most),
          theirs: cpuOf(batches.one),
          against: '1 alone',
        },
        asAlone,
      ),
      limitRow(`(f) one agent, ${most} at once: its most memory`, [agent.memoryMiB('VmHWM')], 'MiB', 150),
    ];
  } finally {
    await agent.end();
  }
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
  const linesOf = (type: string): string[] =>
    text
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.includes(`"type":"${type}"`));
  const seen = (type: string): number => linesOf(type).length;
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
    guards: async (names: readonly string[]): Promise<Batch> => {
      const already = seen('transaction-ended');
      const [cpuBefore, began] = [cpuMs(), performance.now()];
      const answers = await Promise.all(
        names.map((name) => incus(arena.host, 'exec', name, '--', 'hooked', 'true', '0')),
      );
      const refused = answers.find((answer) => !answer.startsWith('go '));
      if (refused !== undefined) throw new Error(`one of ${names.length} may not go on: ${refused}`);
      await waitFor(() => seen('transaction-ended') >= already + names.length, limit);
      const wallMs = performance.now() - began;
      const notKept = linesOf('transaction-ended').find((line) => !line.includes('"outcome":"kept"'));
      if (notKept !== undefined) throw new Error(`one of ${names.length} was not kept: ${notKept}`);
      return { wallMs, cpuMs: (cpuMs() - cpuBefore) / names.length, peakMiB: [] };
    },
    end: async (): Promise<void> => {
      const gone = new Promise((resolve) => agent.once('exit', resolve));
      agent.kill('SIGTERM');
      await gone;
    },
  };
};
