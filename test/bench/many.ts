import { execa } from 'execa';
import { join, resolve } from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { systemClock } from '../../src/clock.ts';
import { incus, waitFor } from '../host/host.ts';
import { guard, run, type Arena, type Used } from './arena.ts';
import { limitRow, type Row } from './row.ts';

/** (f) Many containers at once: one guard each, and one agent for all. Small containers with BusyBox alone. */
export const measureMany = async (arena: Arena): Promise<Row[]> => {
  const most = arena.quick ? 2 : 50;
  await execa('sh', [resolve('test/e2e/busybox-image.sh')], { env: arena.host.env, stdin: 'ignore' });
  const names = Array.from({ length: most }, (_, number) => `bench-many-${number}`);
  for (const name of names) await incus(arena.host, 'launch', 'guard-busybox', name, '-c', 'user.guard.hook=1 none');
  const rows: Row[] = [];
  const perContainer: number[] = [];
  for (const count of arena.quick ? [1, 2] : [1, 10, 50]) {
    const began = performance.now();
    const used = await guardAll(arena, names.slice(0, count));
    const wallMs = performance.now() - began;
    // One process alone is no measure: its time is told in hundredths of a second.
    const cpuMs = count === 1 ? await oneAfterAnother(names, (name) => guardAll(arena, [name])) : meanCpuMs(used);
    perContainer.push(cpuMs);
    rows.push(
      limitRow(`(f) ${count} at once: until the last has ended`, [wallMs], 'ms', null),
      limitRow(`(f) ${count} at once: processor time a container`, [cpuMs], 'ms', null),
      limitRow(
        `(f) ${count} at once: memory of one guard`,
        used.map(({ peakMiB }) => peakMiB),
        'MiB',
        null,
      ),
    );
  }
  const [one = Number.NaN] = perContainer;
  const all = perContainer.at(-1) ?? Number.NaN;
  rows.push({
    what: `(f) processor time a container, ${most} at once`,
    guard: `${all.toFixed(0)} ms`,
    against: `1 alone: ${one.toFixed(0)} ms`,
    result: `${(all / one).toFixed(2)} ×`,
    target: 'no more than alone',
    met: all <= one * 1.05,
  });
  rows.push(...(await measureEmpty(arena, names)), ...(await measureAgent(arena, names)));
  await Promise.all(names.map((name) => incus(arena.host, 'delete', '--force', name)));
  return rows;
};

const guardAll = async (arena: Arena, names: readonly string[]): Promise<Used[]> => {
  const used = await Promise.all(
    names.map((name) => guard(arena, '--soak', '0s', '--keep', '0', '--quiet', name, '--', 'true')),
  );
  const failed = used.find(({ status }) => status !== 0);
  if (failed) throw new Error(`one of ${names.length} guards ended with ${failed.status}`);
  return used;
};

const meanCpuMs = (used: readonly Used[]): number => used.reduce((sum, one) => sum + one.cpuMs, 0) / used.length;

const oneAfterAnother = async (names: readonly string[], work: (name: string) => Promise<Used[]>): Promise<number> => {
  const used: Used[] = [];
  for (const name of names.slice(0, 10)) used.push(...(await work(name)));
  return meanCpuMs(used);
};

/** What the machine makes of many processes at once by itself: a program that does nothing. */
const measureEmpty = async (arena: Arena, names: readonly string[]): Promise<Row[]> => {
  const program = join(arena.stateDirectory, 'empty.cjs');
  await writeFile(program, '');
  const empty = (many: readonly string[]) => Promise.all(many.map(() => run(arena, [process.execPath, program])));
  const alone = await oneAfterAnother(names, (name) => empty([name]));
  const together = meanCpuMs(await empty(names));
  return [
    {
      what: `(f) the same of an empty program in Node, ${names.length} at once`,
      guard: `${together.toFixed(0)} ms`,
      against: `1 alone: ${alone.toFixed(0)} ms`,
      result: `${(together / alone).toFixed(2)} ×`,
      target: '',
      met: null,
    },
  ];
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
