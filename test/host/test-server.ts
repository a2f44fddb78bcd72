import { execaSync } from 'execa';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

// Tests that need a server change and delete instances. So they run only on a server that the scripts of this folder
// made. Before each test file a daemon that died is told, with its last words, and a new one is started, so that the
// other files still show something. test/run.sh counts such a death as a failure.

type Environment = Readonly<Record<string, string | undefined>>;

const roots = (environment: Environment): string[] => [
  environment['GUARD_TEST_STATE'] ?? '/var/lib/incus-guard-test',
  environment['GUARD_TEST_SERVERS'] ?? '/var/lib/guard-test-servers',
];

const howTo = 'Bring up one of the tests\' own, and try again: test/host/host.sh up; eval "$(test/host/host.sh env)"';

/** Why tests must not run on the server that the environment names, as a sentence for a developer; null if they may. */
export function foreignServer(environment: Environment): string | null {
  const directory = environment['INCUS_DIR'] ?? environment['LXD_DIR'];
  if (directory === undefined)
    return `The environment names no test server, so these tests would change the server of this machine. ${howTo}`;
  const places = ['INCUS_DIR', 'INCUS_CONF', 'INCUS_SOCKET', 'LXD_DIR', 'LXD_CONF', 'LXD_SOCKET'];
  const foreign = places
    .flatMap((name) => environment[name] ?? [])
    .find((place) => !roots(environment).some((root) => resolve(place).startsWith(`${resolve(root)}/`)));
  if (foreign !== undefined)
    return `These tests change and delete instances, and ${foreign} does not belong to a test server. ${howTo}`;
  const home = dirname(directory);
  return existsSync(join(home, 'daemon')) ? null : `The test server in ${home} was never brought up. ${howTo}`;
}

/** Starts the daemon of a host of host.sh anew if it died. What is known of its death goes to stderr and to `deaths`. */
export function reviveDaemon(environment: Environment): void {
  const home = dirname(environment['INCUS_DIR'] ?? '');
  if (!existsSync(join(home, 'ready')) || isAlive(home)) return;
  execaSync(join(import.meta.dirname, 'host.sh'), ['revive-daemon', '--name', basename(home)], { stdio: 'inherit' });
}

/** The record of a daemon is its PID and its start time, which is field 22 of /proc/PID/stat. */
function isAlive(home: string): boolean {
  try {
    const [pid, started] = readFileSync(join(home, 'daemon'), 'utf8').trim().split(' ');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[19] === started && fields[0] !== 'Z';
  } catch {
    return false;
  }
}
