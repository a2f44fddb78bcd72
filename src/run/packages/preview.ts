import type { Changes } from '../../event.ts';
import type { Platform } from '../../platform/platform.ts';
import { parseSimulation } from './simulation-output.ts';
import { simulationOf, type Simulation } from './simulation-command.ts';

/** Which packages a command would change, as far as its own package manager says. */
export type PackagePreview =
  | { readonly known: true; readonly manager: Simulation['manager']; readonly packages: Changes['packages'] }
  /** Why not, in a sentence. */
  | { readonly known: false; readonly message: string };

/** It reads all its lists, and may have to compute for long. Milliseconds. */
const limitMs = 60_000;
const mostBytes = 4 * 1024 * 1024;
const nobody = 65534;

/** Prints what decides the answer of apt and cannot be read by who asks: lists, also those of a repository on a disk, and settings. */
const findUnreadable = `find -L ${[
  '/etc/apt/apt.conf /etc/apt/apt.conf.d /etc/apt/preferences /etc/apt/preferences.d',
  '/etc/apt/sources.list /etc/apt/sources.list.d /var/lib/apt/lists /var/lib/apt/extended_states /var/lib/dpkg/status',
  '( -name partial -o -name auxfiles -o -name lock ) -prune -o ! -readable -print',
].join(' ')}`.split(' ');

/** Lets the package manager inside say what it would do; it changes nothing but its own log. */
export async function previewPackages(
  platform: Pick<Platform, 'query'>,
  instance: string,
  words: readonly string[],
): Promise<PackagePreview> {
  const simulation = simulationOf(words);
  if (simulation === null)
    return {
      known: false,
      message: 'The command is not a plain upgrade by apt, dnf or zypper, so the packages it would change are unknown.',
    };
  const { manager, asNobody } = simulation;
  const ask = (command: readonly string[]): ReturnType<Platform['query']> =>
    platform.query(instance, {
      command,
      environment: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' },
      cwd: '/',
      ...(asNobody ? { user: nobody, group: nobody } : {}),
      limitMs,
      maxBytes: mostBytes,
      readOnly: true,
    });
  const unknown = (why: string): PackagePreview => ({
    known: false,
    message: `${manager} could not say which packages would change: ${why}`,
  });
  const hidden = asNobody ? await ask(findUnreadable) : null;
  if (hidden !== null) {
    if (!hidden.ok) return unknown(hidden.error.detail);
    const file = firstLine(hidden.value.stdout);
    // apt silently answers without what it cannot read.
    if (file !== '') return unknown(`users other than root cannot read ${file}.`);
  }
  const answer = await ask(simulation.words);
  if (!answer.ok) return unknown(answer.error.detail);
  const { status, stdout, stderr, truncated } = answer.value;
  if (truncated) return unknown('its answer is too long.');
  const packages = parseSimulation(manager, status, stdout);
  if (packages === null) return unknown(firstLine(stderr) || firstLine(stdout) || `exit status ${status}.`);
  return {
    known: true,
    manager,
    packages: manager === 'dnf' ? await withInstalled(platform, instance, packages) : packages,
  };
}

/** dnf says what comes, not what is there. */
async function withInstalled(
  platform: Pick<Platform, 'query'>,
  instance: string,
  packages: Changes['packages'],
): Promise<Changes['packages']> {
  const command = ['rpm', '-q', '--qf', '%{NAME} %{EVR}\\n', ...packages.map(({ name }) => name)];
  const answer = await platform.query(instance, { command, limitMs, maxBytes: mostBytes, readOnly: true });
  const there = new Map(
    answer.ok ? [...answer.value.stdout.matchAll(/^(\S+) (\S+)$/gm)].map(([, name, version]) => [name, version]) : [],
  );
  return packages.map((one) => ({ ...one, from: there.get(one.name) ?? null }));
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  );
}
