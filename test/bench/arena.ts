import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { systemClock } from '../../src/clock.ts';
import { probeInput } from '../../src/health/probe/script.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { openIncusPlatform } from '../../src/platform/incus/incus.ts';
import { bringUp, takeDown, waitFor, type Host } from '../host/host.ts';
import type { Profile } from './profile.ts';

/** Where everything is measured. */
export interface Arena {
  readonly host: Host;
  /** The server, from this process, which is warm: what Incus' own operations cost. */
  readonly rest: Platform;
  /** The program of the npm package, for this Node. */
  readonly program: string;
  /** The single executable. */
  readonly executable: string;
  readonly stateDirectory: string;
  readonly rounds: number;
  readonly quick: boolean;
  readonly say: (line: string) => void;
  /** Hears where the time of a section's runs goes. */
  readonly note: (profile: Profile) => void;
}

/** Brings up a host of its own with a btrfs and a dir pool, does the work, and lets go. */
export const withArena = async (
  {
    hostName,
    ...options
  }: Pick<Arena, 'executable' | 'rounds' | 'quick' | 'say' | 'note'> & { readonly hostName: string },
  work: (arena: Arena) => Promise<void>,
): Promise<void> => {
  const host = await bringUp({ name: hostName, dirPool: true });
  const stateDirectory = await mkdtemp(join(tmpdir(), 'guard-bench-'));
  const { platform: rest, close: closeRest } = openIncusPlatform({
    socket: host.socket,
    project: 'default',
    clock: systemClock,
  });
  try {
    await work({ ...options, host, rest, program: resolve('dist/guard.cjs'), stateDirectory });
  } finally {
    closeRest();
    await rm(stateDirectory, { recursive: true, force: true });
    await takeDown(host);
  }
};

/** What a process used. */
export interface Used {
  readonly ms: number;
  /** From the first byte of its output to the last, as the reader saw them, in milliseconds. */
  readonly outputMs: number;
  readonly status: number | null;
  /** User and system time of it and its children, in milliseconds. */
  readonly cpuMs: number;
  /** The most memory it held, in MiB. */
  readonly peakMiB: number;
  readonly stdout: string;
}

/** Runs guard to its end. Its output is read, and kept up to a megabyte. */
export const guard = (arena: Arena, ...words: readonly string[]): Promise<Used> =>
  run(arena, [process.execPath, arena.program, ...words]);

/** Runs a command to its end. */
export const run = async (arena: Arena, [file = '', ...words]: readonly string[]): Promise<Used> => {
  // The shell tells what its child used, after the child's own output.
  const script = '"$@"; status=$?; times >&3; exit $status';
  const began = performance.now();
  const child = spawn('sh', ['-c', script, 'sh', file, ...words], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    env: { ...process.env, ...arena.host.env, GUARD_STATE_DIR: arena.stateDirectory },
  });
  let stdout = '';
  let times = '';
  let firstByteAt: number | null = null;
  let lastByteAt = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    lastByteAt = performance.now();
    firstByteAt ??= lastByteAt;
    if (stdout.length <= 1e6) stdout += chunk.toString('latin1');
  });
  child.stdio[3]?.on('data', (chunk: Buffer) => (times += chunk.toString()));
  const watching = watchMemory(child.pid ?? 0);
  const status = await new Promise<number | null>((done) => child.on('close', done));
  const ms = performance.now() - began;
  const outputMs = lastByteAt - (firstByteAt ?? lastByteAt);
  return { ms, outputMs, status, stdout, cpuMs: cpuOf(times), peakMiB: await watching() };
};

/** Fails loudly where a measured command did not do its work. */
export const succeeded = async (used: Promise<Used>, ...statuses: readonly number[]): Promise<number> => {
  const { status, ms } = await used;
  if (!(statuses.length === 0 ? [0] : statuses).includes(status ?? -1))
    throw new Error(`a measured command ended with ${status}`);
  return ms;
};

/** The second line of `times` is that of the children: `0m0.070s 0m0.010s`. */
const cpuOf = (times: string): number =>
  [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  );

/** The shell's child is the one whose memory counts. */
const watchMemory = (shell: number): (() => Promise<number>) => {
  let most = 0;
  const over = new AbortController();
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { stdout } = await execa(
        'sh',
        ['-c', `for p in $(cat /proc/${shell}/task/${shell}/children); do grep VmHWM /proc/$p/status; done`],
        { reject: false },
      );
      for (const [, kiB] of stdout.matchAll(/VmHWM:\s+(\d+)/g)) most = Math.max(most, Number(kiB) / 1024);
      await systemClock.sleep(200, over.signal);
    }
  };
  const watching = watch();
  return async () => {
    over.abort();
    await watching;
    return most;
  };
};

/** Runs a script inside, and fails where it fails. */
export const inside = async (arena: Arena, instance: string, script: string): Promise<void> => {
  await execa('incus', ['exec', instance, '-T', '--', 'sh', '-eu', '-s'], { input: script, env: arena.host.env });
};

/** A new container that has booted; one of the same name goes first. */
export const container = async (arena: Arena, name: string, ...more: readonly string[]): Promise<string> => {
  const quietly = { env: arena.host.env, stdin: 'ignore', reject: false } as const;
  await execa('incus', ['delete', '--force', name], quietly);
  await execa('incus', ['launch', 'guard-debian', name, ...more], { ...quietly, reject: true });
  await waitFor(async () => {
    const { stdout } = await execa('incus', ['exec', name, '--', 'systemctl', 'is-system-running'], quietly);
    return stdout === 'running' || stdout === 'degraded';
  });
  return name;
};

export const removeContainer = async ({ host }: Arena, name: string): Promise<void> => {
  await execa('incus', ['delete', '--force', name], { env: host.env, stdin: 'ignore', reject: false });
};

/** Runs a command inside over REST, from this warm process. */
export const askOverRest = async ({ rest }: Arena, instance: string, ...command: readonly string[]): Promise<void> => {
  const answer = await rest.query(instance, { command: [...command], limitMs: 60_000, maxBytes: 100_000 });
  if (!answer.ok) throw new Error(answer.error.detail);
};

/** Observes the instance as guard does. */
export const probeOverRest = async ({ rest }: Arena, name: string): Promise<void> => {
  const stdin = probeInput(randomBytes(16).toString('hex'));
  const answer = await rest.query(name, { command: ['sh', '-s'], stdin, limitMs: 60_000, maxBytes: 8_000_000 });
  if (!answer.ok) throw new Error(answer.error.detail);
};

/** A step that must succeed. */
export const done = async (step: Promise<{ readonly ok: boolean }>): Promise<void> => {
  const result = await step;
  if (!result.ok) throw new Error(JSON.stringify(result));
};
