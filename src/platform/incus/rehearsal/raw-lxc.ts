import { neutralise } from '../../../text.ts';
import type { RemovedSetting } from '../../rehearsals.ts';

/** The `raw.lxc` of a copy: the lines that act only inside it, and what was removed from the original's. */
export interface IsolatedRawLxc {
  /** Lines joined by newlines; empty where none stays. */
  readonly text: string;
  readonly removed: readonly RemovedSetting[];
}

/**
 * LXC takes any of its settings from `raw.lxc`, past all restrictions of the project. Mounts, hooks, interfaces, devices,
 * files of the host, shared namespaces, and whatever is not known here would lead out of the copy: they are removed.
 */
export function isolateRawLxc(raw: string): IsolatedRawLxc {
  const lines = raw
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const removed = new Map<string, RemovedSetting>();
  for (const line of lines.filter((one) => !actsInside.test(keyOf(one)))) {
    const setting = removedSetting(line);
    removed.set(`${setting.setting} ${setting.path ?? ''}`, setting);
  }
  return { text: lines.filter((line) => actsInside.test(keyOf(line))).join('\n'), removed: [...removed.values()] };
}

/**
 * Settings of lxc.container.conf(5) without an effect outside the container. Not here on purpose: `cgroup*.devices.allow`
 * opens devices of the host, `cgroup*.dir` may be the original's, `cgroup*.memory` would undo the limit of the copy,
 * `seccomp.notify` asks a program of the host, `console`, `log` write files of the host.
 */
const actsInside = new RegExp(
  `^lxc\\.(${[
    'apparmor\\..+',
    'arch',
    'cap\\.(drop|keep)',
    'cgroup2?\\.(cpu|cpuacct|cpuset|pids|io|blkio|hugetlb)\\..+',
    'cgroup2?\\.devices\\.deny',
    'environment(\\.runtime)?',
    'idmap',
    'init\\.(cmd|cwd|uid|gid|groups)',
    'keyring\\.session',
    'no_new_privs',
    'prlimit\\..+',
    'proc\\..+',
    'pty\\.max',
    'seccomp\\.(profile|allow_nesting)',
    'selinux\\..+',
    'signal\\.(halt|reboot|stop)',
    'sysctl\\..+',
    'time\\.offset\\..+',
    'tty\\.(dir|max)',
    'uts\\.name',
  ].join('|')})$`,
);

function keyOf(line: string): string {
  return (line.split('=')[0] ?? '').trim();
}

function removedSetting(line: string): RemovedSetting {
  const key = keyOf(line);
  const because = reasons.find(([match]) => match.test(key))?.[1] ?? 'it may lead out of the copy';
  return {
    setting: `raw.lxc: ${neutralise(key, 100)}`,
    because,
    path: key === 'lxc.mount.entry' ? mountedAt(line) : null,
  };
}

const reasons: readonly (readonly [RegExp, string])[] = [
  [/^lxc\.(mount|rootfs|autodev)\b/, 'it mounts files or devices of the host'],
  [/^lxc\.hook\b/, 'it runs a program on the host'],
  [/^lxc\.net\b/, 'its interface would not be isolated'],
  [/^lxc\.cgroup2?\.devices\b/, 'it opens devices of the host'],
  [/^lxc\.cgroup2?\.memory\b/, 'guard limits the memory of the copy itself'],
  [/^lxc\.(include|log|console|seccomp\.notify)\b/, 'it uses a file or a program of the host'],
  [/^lxc\.namespace\b/, 'it shares a namespace with the host or another container'],
];

/** Where a mount entry, as in fstab(5), is seen inside; null where it cannot be told. */
function mountedAt(line: string): string | null {
  const target = line
    .slice(line.indexOf('=') + 1)
    .trim()
    .split(/\s+/)[1];
  const path = `/${(target ?? '').replace(/^\/+/, '')}`;
  return path === '/' ? null : path;
}
