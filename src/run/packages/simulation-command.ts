import { posix } from 'node:path';

/** A package manager's command that can be asked for what it would do, without doing it. */
export interface Simulation {
  readonly manager: 'apt' | 'dnf' | 'zypper';
  readonly words: readonly string[];
  /** Whether an unprivileged user can run it. */
  readonly asNobody: boolean;
}

/**
 * The simulation of this command; null if it is not a plain package manager command. Only options that are known to keep a
 * simulation harmless are passed on.
 */
export function simulationOf([word = '', ...rest]: readonly string[]): Simulation | null {
  switch (posix.basename(word)) {
    case 'apt':
    case 'apt-get':
      return aptSimulation(posix.basename(word), rest);
    case 'dnf':
    case 'dnf4':
    case 'yum':
      return dnfSimulation(rest);
    case 'zypper':
      return zypperSimulation(rest);
    default:
      return null;
  }
}

function aptSimulation(program: string, rest: readonly string[]): Simulation | null {
  const parts = partsOf(rest, aptOptions);
  const verb = parts && aptVerb(program, parts.verb);
  if (!parts || !verb) return null;
  // No locks, so that other package managers are not blocked.
  const words = ['apt-get', '-s', '-q', '-o', 'Debug::NoLocking=1', ...verb, ...parts.options, ...parts.names];
  return { manager: 'apt', words, asNobody: true };
}

function aptVerb(program: string, verb: string): readonly string[] | null {
  switch (verb) {
    case 'upgrade':
      return program === 'apt' ? ['upgrade', '--with-new-pkgs'] : ['upgrade'];
    case 'full-upgrade':
    case 'dist-upgrade':
      return ['dist-upgrade'];
    case 'install':
    case 'reinstall':
    case 'remove':
    case 'purge':
    case 'autoremove':
      return verb === 'reinstall' ? ['install', '--reinstall'] : [verb];
    default:
      return null;
  }
}

const aptOptions = new Set([
  '-y',
  '--yes',
  '--assume-yes',
  '-q',
  '-qq',
  '--quiet',
  '-f',
  '--fix-broken',
  '--no-install-recommends',
  '--install-recommends',
  '--install-suggests',
  '--only-upgrade',
  '--no-upgrade',
  '--with-new-pkgs',
  '--allow-downgrades',
  '--allow-change-held-packages',
  '--auto-remove',
  '--autoremove',
  '--purge',
]);

function dnfSimulation(rest: readonly string[]): Simulation | null {
  const parts = partsOf(rest, dnfOptions);
  if (!parts || !dnfVerbs.has(parts.verb)) return null;
  const options = parts.options.filter((option) => !isYes(option));
  // From existing package lists: a simulation must not download anything.
  const words = ['dnf', '--assumeno', '--cacheonly', parts.verb, ...options, ...parts.names];
  return { manager: 'dnf', words, asNobody: false };
}

const dnfVerbs = new Set(['upgrade', 'update', 'install', 'remove', 'autoremove', 'distro-sync', 'downgrade']);

const dnfOptions = new Set([
  '-y',
  '--assumeyes',
  '-q',
  '--quiet',
  '--best',
  '--nobest',
  '--allowerasing',
  '--security',
  // With a value: from where, not what is done.
  '--releasever=',
  '--repo=',
  '--enablerepo=',
  '--disablerepo=',
  '--exclude=',
]);

function zypperSimulation(rest: readonly string[]): Simulation | null {
  const parts = partsOf(rest, zypperOptions);
  if (!parts || !zypperVerbs.has(parts.verb)) return null;
  const options = parts.options.filter((option) => !isYes(option) && !zypperGlobal.has(option));
  const words = [
    'zypper',
    '--non-interactive',
    '--no-refresh',
    '--xmlout',
    parts.verb,
    '--dry-run',
    ...options,
    ...parts.names,
  ];
  return { manager: 'zypper', words, asNobody: false };
}

const zypperVerbs = new Set(['update', 'up', 'dist-upgrade', 'dup', 'install', 'in', 'remove', 'rm', 'patch']);

const zypperGlobal = new Set(['-n', '--non-interactive', '-q', '--quiet', '--no-refresh']);

const zypperOptions = new Set([
  ...zypperGlobal,
  '-y',
  '--no-confirm',
  '-l',
  '--auto-agree-with-licenses',
  '--no-recommends',
  '--allow-vendor-change',
]);

function isYes(option: string): boolean {
  return ['-y', '--assumeyes', '--no-confirm'].includes(option);
}

interface Parts {
  readonly verb: string;
  readonly options: readonly string[];
  readonly names: readonly string[];
}

/** Null for an unknown option, or a name that is a file or looks like an option. */
function partsOf(words: readonly string[], known: ReadonlySet<string>): Parts | null {
  const options = words.filter((word) => word.startsWith('-'));
  const [verb, ...names] = words.filter((word) => !word.startsWith('-'));
  if (verb === undefined || options.some((option) => !known.has(option.replace(/(?<==).*$/s, '')))) return null;
  return names.every((name) => /^[A-Za-z0-9][\w.+:=~*-]*$/.test(name)) ? { verb, options, names } : null;
}
