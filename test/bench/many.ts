import { execa } from 'execa';
import { resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { systemClock } from '../../src/clock.ts';
import { incus, waitFor } from '../host/host.ts';
import { guard, type Arena } from './arena.ts';
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
    const used = await Promise.all(
      names.slice(0, count).map((name) => guard(arena, '--soak', '0s', '--keep', '0', '--quiet', name, '--', 'true')),
    );
    const wallMs = performance.now() - began;
    const failed = used.find(({ status }) => status !== 0);
    if (failed) throw new Error(`one of ${count} guards ended with ${failed.status}`);
    const cpuMs = used.reduce((sum, one) => sum + one.cpuMs, 0) / count;
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
  rows.push(...(await measureAgent(arena, names)));
  await Promise.all(names.map((name) => incus(arena.host, 'delete', '--force', name)));
  return rows;
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
