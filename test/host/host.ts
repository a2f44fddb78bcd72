import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import { execa, ExecaError } from 'execa';

import { systemClock } from '../../src/clock.ts';

/** The servers of server.sh, by name. Every other name is an Incus of host.sh. */
const otherServers = ['incus7', 'lxd5'];

/** What the two scripts call differently. */
const otherCommands: Readonly<Record<string, string>> = {
  'kill-daemon': 'kill',
  'stop-daemon': 'stop',
  'start-daemon': 'start',
};

/** Left over from the environment of another server they would take precedence. */
const ofAnyServer = {
  INCUS_DIR: '',
  INCUS_CONF: '',
  INCUS_SOCKET: '',
  INCUS_REMOTE: '',
  INCUS_PROJECT: '',
  LXD_DIR: '',
  LXD_CONF: '',
  LXD_SOCKET: '',
};

/** A real server with a daemon of its own, which tests may kill: an Incus, or an LXD, for which `incus` says the same to `lxc`. */
export interface Host {
  readonly name: string;
  readonly incusDir: string;
  readonly socket: string;
  /** What points the `incus` command, and guard, to it. */
  readonly env: Readonly<Record<string, string>>;
}

/** A container of a test. */
export interface Container {
  readonly name: string;
  /** Runs a command inside, and gives its output; rejects when it fails. */
  readonly exec: (...command: readonly string[]) => Promise<string>;
}

export interface BringUpOptions {
  /** 1 to 12 of a-z, 0-9 and -. `main` is the one that all tests share: never kill its daemon. `incus7` and `lxd5` are servers of server.sh. */
  readonly name?: string;
  /** A pool `dirpool` next to the btrfs pool `default`. */
  readonly dirPool?: boolean;
  /** As Incus writes it, such as `1GiB`: for tests that fill the pool. Only counts for a new host. */
  readonly poolSize?: string;
}

/** Brings a host up: at once where it is up, a few seconds for another one, minutes on a machine that never had one. */
export const bringUp = async ({ name = 'main', dirPool = false, poolSize }: BringUpOptions = {}): Promise<Host> => {
  const options = [...(dirPool ? ['--dir-pool'] : []), ...(poolSize ? ['--pool-size', poolSize] : [])];
  // Incus gives up on a new bridge when a container of another host ends at that moment: the second try starts anew.
  await hostCommand(name, 'up', ...options).catch(() => hostCommand(name, 'up', ...options));
  const shown = await hostCommand(name, 'env');
  const exported = Object.fromEntries(
    [...shown.matchAll(/^export (\w+)='([^']*)'$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
  const clients = /^export PATH='([^']*)':/m.exec(shown)?.[1];
  const path = clients === undefined ? {} : { PATH: `${clients}:${process.env['PATH'] ?? ''}` };
  const env = otherServers.includes(name) ? { ...ofAnyServer, ...exported, ...path } : exported;
  const incusDir = exported['INCUS_DIR'] ?? exported['LXD_DIR'] ?? '';
  return { name, incusDir, socket: `${incusDir}/unix.socket`, env };
};

/** The host whose daemon the tests of this process talk to. */
export const hostUnderTest = (): Promise<Host> => {
  const folder = process.env['INCUS_DIR'];
  return bringUp(folder === undefined ? {} : { name: basename(dirname(folder)) });
};

/** Where this machine reaches what the daemon of the host listens on. */
export const addressOf = async ({ name }: Host): Promise<string> =>
  otherServers.includes(name) ? (await hostCommand(name, 'address')).trim() : '127.0.0.1';

/** Removes the host with everything in it. */
export const takeDown = async (host: Host): Promise<void> => {
  await hostCommand(host.name, 'down');
};

/** Runs the `incus` command on the host and gives its output; rejects when it fails, with the last words of a lost daemon. */
export const incus = async (host: Host, ...words: readonly string[]): Promise<string> => {
  try {
    return (await execa('incus', words, { env: host.env, stdin: 'ignore' })).stdout;
  } catch (error) {
    if (!(error instanceof ExecaError) || !/connection reset|appear to be started/.test(error.message)) throw error;
    const said = ['daemon.out', 'daemon.log'].map((file) => lastLines(join(host.incusDir, '..', file)));
    throw new Error(`${error.message}\nThe daemon's last words:\n${said.join('\n')}`, { cause: error });
  }
};

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-30).join('\n');
  } catch (error) {
    return String(error);
  }
}

/** As in a crash: SIGKILL. Containers run on. */
export const killDaemon = async (host: Host): Promise<void> => {
  await hostCommand(host.name, 'kill-daemon');
};

/** Ends the daemon in an orderly way. Containers run on. */
export const stopDaemon = async (host: Host): Promise<void> => {
  await hostCommand(host.name, 'stop-daemon');
};

/** Starts the daemon where it does not run, and waits until it answers. */
export const startDaemon = async (host: Host): Promise<void> => {
  await hostCommand(host.name, 'start-daemon');
};

/** The name of an image of a Debian release, which is made where it is not cached: a minute. */
export const imageOf = async (host: Host, suite: string): Promise<string> =>
  (await hostCommand(host.name, 'image', '--suite', suite)).trim();

export interface ContainerOptions {
  /** The beginning of its name, one for each test file. */
  readonly prefix: string;
  readonly image?: string;
  /** More words for `incus launch`, such as `--storage dirpool`. */
  readonly launch?: readonly string[];
}

/** Launches a container, waits until its init has finished booting, and removes it after `use`, however that ends. */
export const withContainer = async <T>(
  host: Host,
  { prefix, image = 'guard-debian', launch = [] }: ContainerOptions,
  use: (container: Container) => Promise<T>,
): Promise<T> => {
  const name = `${prefix}-${randomBytes(3).toString('hex')}`;
  const exec = (...command: readonly string[]) => incus(host, 'exec', name, '--', ...command);
  try {
    await incus(host, 'launch', image, name, ...launch);
    if (image.startsWith('guard-debian')) await waitFor(() => booted(host, name));
    return await use({ name, exec });
  } finally {
    await execa('incus', ['delete', '--force', name], { env: host.env, stdin: 'ignore', reject: false });
  }
};

export interface WaitOptions {
  readonly limitMs?: number;
  readonly everyMs?: number;
}

/** Asks until the condition holds; rejects when it does not within the limit. */
export const waitFor = async (
  condition: () => boolean | Promise<boolean>,
  { limitMs = 60_000, everyMs = 100 }: WaitOptions = {},
): Promise<void> => {
  const end = systemClock.monotonic() + limitMs;
  while (!(await condition())) {
    if (systemClock.monotonic() > end) throw new Error(`Not within ${limitMs} ms: ${condition.toString()}`);
    await systemClock.sleep(everyMs);
  }
};

/** systemd says `running` or `degraded` once the boot is over; the network is up by then. */
const booted = async (host: Host, name: string): Promise<boolean> => {
  const { stdout } = await execa('incus', ['exec', name, '--', 'systemctl', 'is-system-running'], {
    env: host.env,
    stdin: 'ignore',
    reject: false,
  });
  return stdout === 'running' || stdout === 'degraded';
};

const hostCommand = async (name: string, command: string, ...words: readonly string[]): Promise<string> => {
  const [script, line] = otherServers.includes(name)
    ? ['server.sh', [otherCommands[command] ?? command, name]]
    : ['host.sh', [command, '--name', name, ...words]];
  return (await execa(resolve(import.meta.dirname, script), line, { stdin: 'ignore' })).stdout;
};
