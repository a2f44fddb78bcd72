import { constants } from 'node:os';
import type { Facts, Unit } from '../../facts.ts';

/** What a unit does, in the words of a person. */
export type Condition =
  /** As it should be: running, listening, mounted, waiting, or finished with success and counted as active. */
  'running' | 'starting' | 'restarting' | 'stopping' | 'failed' | 'stopped' | 'masked' | 'gone';

/** Typed from the states, never from a word somewhere in the text. `null`: the unit is not there. */
export function conditionOf(unit: Unit | null): Condition {
  if (unit === null) return 'gone';
  switch (unit.active) {
    case 'active':
    case 'reloading':
    case 'refreshing':
      return 'running';
    case 'activating':
      return unit.sub.startsWith('auto-restart') ? 'restarting' : 'starting';
    case 'deactivating':
      return 'stopping';
    case 'failed':
      return 'failed';
    default:
      return unit.load === 'not-found' ? 'gone' : unit.load === 'masked' ? 'masked' : 'stopped';
  }
}

/** It stays up by itself: not a job that ends, nor one that is counted as active after its end. */
export function longRunning(unit: Unit): boolean {
  if (unit.type === 'openrc') return !bootScript.test(unit.id);
  return unit.id.endsWith('.service') && unit.type !== 'oneshot' && unit.sub !== 'exited';
}

/** OpenRC does not say which of its services are jobs of the boot. */
const bootScript =
  /(\.sh|fs|local|init|modules|mount|swap|sysctl|hostname|hwclock|loopback|random|seed|dmesg|devfs|keymaps|bootlogs|rmnologin|urandom|procps|cgroups|brightness|bootmisc|savecache|killprocs)$/;

/** Terminals, sessions and guard's or the system's transient units come and go with people and timers. */
export function comesAndGoes(unit: Unit): boolean {
  // A unit of a user who stays when logged out is as good as one of the system.
  return unit.transient || passing.test(unit.id.replace(/^user@\d+\.service\//, ''));
}

const passing = new RegExp(
  `^(${[
    '(user|user-runtime-dir|getty|serial-getty|container-getty|autovt|modprobe|systemd-fsck|systemd-coredump)@.*',
    'console-getty\\.service',
    'session-.*\\.scope',
    // systemd-run: `run-r1a2b….service`, `run-u12.scope`, since version 257 `run-p12-i34.service`.
    'run-(r[0-9a-f]{8,}|u\\d+|p\\d+-i\\d+|\\d+)\\.[a-z]+',
    'run-.*\\.mount',
    // Of containers inside, whose names are other ones each time.
    'var-lib-(docker|containers|containerd|kubelet|lxc)-.*\\.mount',
    'systemd-(ask-password-.*|update-utmp.*|tmpfiles-clean|hostnamed|timedated|localed|machined)\\..*',
    '(apt-daily|apt-daily-upgrade|apt-news|esm-cache|packagekit|man-db|dpkg-db-backup|logrotate)\\..*',
    '(phpsessionclean|e2scrub_.*|fstrim|motd-news|update-notifier-.*)\\..*',
  ].join('|')})$`,
);

/** Jobs for a console and for disks that a container does not have: whether they succeed says nothing about its services. */
export function ofHardware(id: string): boolean {
  return /^(console-setup|keyboard-setup|setvtrgb|plymouth|alsa-|lvm2-|blk-availability|apparmor|hwclock|smart(d|montools))\b/.test(
    id,
  );
}

/** systemd's own parts, which versions of it rename, split and drop. */
export function ofSystemd(id: string): boolean {
  return /^(systemd-|initrd-|kmod-static-nodes|ldconfig|quotaon|dev-|sys-|proc-|tmp\.mount|run-)/.test(id);
}

/**
 * Started when somebody asks for it over D-Bus or by a timer, path or socket, and free to end when nobody does: nothing
 * pulls it in at boot. "enabled" alone says little, because a name on the bus is enabled as an alias.
 */
export function onDemand(unit: Unit): boolean {
  return unit.wantedBy.length === 0 && (unit.busName !== '' || unit.triggeredBy.length > 0);
}

/**
 * It ends by itself again and again and is started again, as workers do that serve for a while or until there is nothing
 * left: at least three times, and once an hour or more often since the instance started.
 */
export function restartsByHabit(unit: Unit, { init, processes }: Facts): boolean {
  if (unit.restarts < 3 || init === null || processes === null) return false;
  const newest = processes.reduce((most, { startTicks }) => Math.max(most, startTicks), init.startTicks);
  const upMs = (newest - init.startTicks) * 10;
  return upMs / unit.restarts < 3_600_000;
}

/** It ended well: nothing was wrong with it when it went. */
export function endedWell(unit: Unit): boolean {
  return unit.result === 'success' && (unit.exit === null || (unit.exit.how === 'exited' && unit.exit.status === 0));
}

/** It ended in a way after which its own unit has it started again: that is how it is built, and no crash. */
export function isDesignedRestart(unit: Unit): boolean {
  if (unit.exit === null) return unit.result === 'success' && (unit.restartStatuses ?? []).length > 0;
  if (unit.exit.how !== 'exited') return false;
  const { status } = unit.exit;
  return (
    (unit.restartStatuses ?? []).includes(status) ||
    (unit.result === 'success' &&
      (status === 0 || (unit.successStatuses ?? []).includes(status)) &&
      unit.restart === 'always')
  );
}

/** The reason that the manager gives, e.g. `exit status 1`; empty where it gives none. */
export function reasonOf(unit: Unit): string {
  const exit = unit.exit;
  if (unit.result === 'timeout') return 'it took too long';
  if (unit.result === 'watchdog') return 'its watchdog timed out';
  if (unit.result === 'oom-kill') return 'out of memory';
  if (exit !== null && exit.how !== 'exited')
    return `killed by ${signalName(exit.status)}${exit.how === 'dumped' ? ', core dumped' : ''}`;
  if (exit !== null && exit.status !== 0) return `exit status ${exit.status}${meaningOf(exit.status)}`;
  if (unit.result === 'exit-code') return 'a step of its startup failed';
  if (unit.result === 'start-limit-hit') return 'restarted too often';
  if (unit.result === 'crashed') return 'its process is gone';
  return unit.result === '' || unit.result === 'success' ? '' : unit.result;
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}

/** systemd.exec(5), "Process Exit Codes": what systemd itself says before the program runs. */
function meaningOf(status: number): string {
  const meaning = new Map([
    [200, 'its working directory is missing'],
    [203, 'its program cannot be executed'],
    [216, 'its group does not exist'],
    [217, 'its user does not exist'],
    [226, 'its namespaces could not be set up'],
    [238, 'its state directory could not be set up'],
  ]).get(status);
  return meaning === undefined ? '' : ` (${meaning})`;
}

/** Finds units under any of their names. */
export interface UnitIndex {
  /** The unit that is now known by one of the names of `unit`: the one that runs, if several are. */
  readonly find: (unit: Unit) => Unit | null;
  readonly all: readonly Unit[];
}

export function indexOf(facts: Facts): UnitIndex {
  const all = Object.values(facts.units ?? {});
  const byName = new Map<string, Unit[]>();
  for (const unit of all)
    for (const name of new Set([unit.id, ...unit.names])) byName.set(name, [...(byName.get(name) ?? []), unit]);
  return {
    all,
    find: (unit) => {
      const found = [unit.id, ...unit.names].flatMap((name) => byName.get(name) ?? []);
      return (
        found.find((one) => conditionOf(one) === 'running') ??
        found.find((one) => one.load !== 'not-found') ??
        found[0] ??
        null
      );
    },
  };
}

/** The same service in another version: `php8.2-fpm` and `php8.4-fpm`, `postgresql@15-main` and `postgresql@17-main`. */
export function withoutVersion(name: string): string {
  return name.replace(/\d+(\.\d+)*/g, '#');
}
