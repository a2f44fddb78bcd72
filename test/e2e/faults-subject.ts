import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { incus, waitFor, type Host } from '../host/host.ts';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';

/** A container on a host whose daemon and pool a test may break, and a guard that works on it. */
export interface Scene {
  readonly host: Host;
  readonly instance: string;
  readonly guard: GuardUnderTest;
}

/** How a guard of a scene ended. */
export interface SceneEnd {
  readonly status: number | undefined;
  readonly stderr: string;
  /** Its `--json` lines. */
  readonly events: readonly { readonly type: string; readonly [key: string]: unknown }[];
}

/** A guard under way. */
export interface Running {
  /** Resolves as soon as it has said that the phase begins; rejects when it ends before. */
  readonly phaseBegun: (phase: string) => Promise<void>;
  /** Resolves as soon as the command has written the line; rejects when the run ends before. */
  readonly said: (line: string) => Promise<void>;
  readonly ended: Promise<SceneEnd>;
  /** SIGKILL. */
  readonly kill: () => void;
}

/** A new container on the host, booted. */
export const openScene = async (
  host: Host,
  instance: string,
  launch: readonly string[] = [],
  image = 'guard-debian',
): Promise<Scene> => {
  // A daemon that was just killed may need a minute until its network can be used again.
  await waitFor(
    async () => {
      await removeScene({ host, instance });
      const words = ['launch', image, instance, ...launch];
      return (await execa('incus', words, { env: host.env, stdin: 'ignore', reject: false })).exitCode === 0;
    },
    { limitMs: 120_000, everyMs: 500 },
  );
  await booted({ host, instance });
  return { host, instance, guard: await guardUnderTest() };
};

/** Removes the container, whatever its state, and the records. */
export const closeScene = async (scene: Scene): Promise<void> => {
  await removeScene(scene);
  await scene.guard.remove();
};

const removeScene = async ({ host, instance }: Pick<Scene, 'host' | 'instance'>): Promise<void> => {
  await execa('incus', ['delete', '--force', instance], { env: host.env, stdin: 'ignore', reject: false });
};

/** Waits until systemd says that the boot is over. */
export const booted = ({ host, instance }: Pick<Scene, 'host' | 'instance'>): Promise<void> =>
  waitFor(async () => {
    const words = ['exec', instance, '--', 'systemctl', 'is-system-running'];
    const { stdout } = await execa('incus', words, { env: host.env, stdin: 'ignore', reject: false });
    return stdout === 'running' || stdout === 'degraded';
  });

/** Starts a run of a shell script, with options that make it quick. */
export const startRun = (scene: Scene, script: string, ...options: readonly string[]): Running =>
  begin(scene, [
    'run',
    '--json',
    '--soak',
    '0s',
    '--verify-timeout',
    '20s',
    ...options,
    scene.instance,
    '--',
    'sh',
    '-c',
    script,
  ]);

/** `guard recover` on the scene's instance, to its end. */
export const recoverScene = (scene: Scene, ...options: readonly string[]): Promise<SceneEnd> =>
  begin(scene, ['recover', '--json', ...options, scene.instance]).ended;

const begin = ({ host, guard }: Scene, words: readonly string[]): Running => {
  const process = guard.start(words, { env: host.env });
  let text = '';
  process.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  let over = false;
  const end = async (): Promise<SceneEnd> => {
    const { exitCode, stderr } = await process;
    over = true;
    return { status: exitCode, stderr, events: eventsOf(text) };
  };
  const ended = end();
  const seen = async (wanted: string): Promise<void> => {
    await waitFor(() => over || text.includes(wanted), { everyMs: 2 });
    if (!text.includes(wanted)) throw new Error(`the run ended before ${wanted}: ${text.slice(-2000)}`);
  };
  return {
    ended,
    kill: () => void process.kill('SIGKILL'),
    phaseBegun: (phase) => seen(`"type":"phase-started","phase":"${phase}"`),
    said: (line) => seen(`"data":"${line}\\n"`),
  };
};

/** A guard that was killed may leave the beginning of a line. */
const eventsOf = (text: string): SceneEnd['events'] => {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as SceneEnd['events'][number]]));
};

/** The last run's record as it is where guard dies just before it writes the event. */
export const forgetFrom = async ({ guard }: Scene, event: string): Promise<void> => {
  const runs = join(guard.stateDirectory, 'runs');
  const last = (await readdir(runs)).toSorted().at(-1) ?? '';
  const journal = join(runs, last, 'journal.jsonl');
  const lines = (await readFile(journal, 'utf8')).split('\n');
  const from = lines.findIndex((line) => line.includes(`"type":"${event}"`));
  await writeFile(journal, lines.slice(0, from).join('\n') + '\n');
};

/** The outcome that a run ended with, whole, so that a test that fails says why. */
export const outcomeOf = ({ events }: SceneEnd): unknown =>
  events.findLast(({ type }) => type === 'run-ended')?.['outcome'];

/** What holds after every fault: it runs, and neither a restore point in flight nor a mark is left. Gives what `/root/state` says. */
export const stateOf = async ({ host, instance }: Scene): Promise<{ status: string; state: string; held: boolean }> => {
  const { status } = JSON.parse(await incus(host, 'query', `/1.0/instances/${instance}`)) as { status: string };
  const mark = await incus(host, 'config', 'get', instance, 'user.guard.run');
  const held = mark !== '' || (await snapshotsOf({ host, instance })).includes('guard-in-flight');
  const state = await execa('incus', ['exec', instance, '--', 'cat', '/root/state'], {
    env: host.env,
    stdin: 'ignore',
    reject: false,
  });
  return { status, state: state.exitCode === 0 ? state.stdout : '', held };
};

/** The names of the instance's snapshots. */
export const snapshotsOf = async ({ host, instance }: Pick<Scene, 'host' | 'instance'>): Promise<string[]> => {
  const snapshots: unknown = JSON.parse(await incus(host, 'query', `/1.0/instances/${instance}/snapshots?recursion=1`));
  return (snapshots as { name: string }[]).map(({ name }) => name);
};

/** Runs a shell script in the container. */
export const inside = ({ host, instance }: Scene, script: string): Promise<string> =>
  incus(host, 'exec', instance, '--', 'sh', '-c', script);
