import { oneLine } from './checks/answer.ts';

/** What `readinessScript` found. */
export interface Inside {
  /** What the boot is still busy with, as a phrase; null when it is over, or nobody can tell. */
  readonly boot: string | null;
  /** Whether a service manager says so itself. */
  readonly managed: boolean;
  /** Age of process 1 in milliseconds, or null where it cannot be known. */
  readonly ageMs: number | null;
  /** Package managers at work, one phrase each. */
  readonly locks: readonly string[];
}

/**
 * POSIX sh that only reads. With the argument `wait` it answers when the boot is over, after a few seconds at the latest: an
 * instance that is asked again and again boots more slowly. A lock is only believed with its holder: the inode numbers of /proc/locks mean nothing on
 * btrfs without a process that has that very file open.
 */
export const readinessScript = `
tries=0
while [ "$1" = wait ] && [ ! -S /run/systemd/private ] && [ "$tries" -lt 20 ]; do
  case $(readlink /proc/1/exe) in */systemd) sleep 0.05 ;; *) break ;; esac
  tries=$((tries + 1))
done
if [ -d /run/systemd/system ]; then
  state=
  [ "$1" = wait ] && state=$(timeout 2 systemctl is-system-running --wait 2>/dev/null)
  limit=
  command -v timeout >/dev/null && limit='timeout 2'
  case $state in running|degraded|maintenance) ;; *) state=$($limit systemctl is-system-running 2>/dev/null) ;; esac
  echo "systemd $state"
  case $state in running|degraded|maintenance) ;; *) systemctl list-jobs --no-legend --no-pager --plain 2>/dev/null | head -n 4 | while read -r _ unit _ how; do [ "$how" = running ] && echo "job $unit"; done ;; esac
elif [ -e /run/openrc/softlevel ]; then
  read -r level </run/openrc/softlevel
  busy=over
  [ -e /run/openrc/rc.starting ] && busy=starting
  for service in /run/openrc/starting/*; do [ -e "$service" ] && { busy=starting; echo "job \${service##*/}"; }; done
  echo "openrc $level $busy"
else
  case $(readlink /proc/1/exe) in */systemd) echo "systemd early" ;; *) echo none ;; esac
fi
read -r one </proc/1/stat && echo "one $one"
read -r self </proc/$$/stat && echo "self $self"
files='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /lib/apk/db/lock /usr/lib/apk/db/lock'
inodes=$(ls -i $files 2>/dev/null)
while read -r _ _ _ mode pid where _; do
  [ "$mode" = WRITE ] || continue
  set -- $inodes
  while [ $# -ge 2 ]; do
    inode=$1
    file=$2
    shift 2
    [ "\${where##*:}" = "$inode" ] || continue
    for open in /proc/"$pid"/fd/*; do
      [ "$(readlink -f "$open")" = "$(readlink -f "$file")" ] || continue
      read -r name </proc/"$pid"/comm
      echo "lock $pid $file $name"
      break
    done
  done
done </proc/locks
if [ -s /run/zypp.pid ]; then
  read -r pid </run/zypp.pid
  [ -d "/proc/$pid" ] && read -r name </proc/"$pid"/comm && echo "lock $pid /run/zypp.pid $name"
fi
[ -e /var/lib/pacman/db.lck ] && echo "lock 0 /var/lib/pacman/db.lck pacman"
exit 0
`;

/** Total: whatever comes, it says what can be believed. Without any known line (no shell inside) nothing is pending. */
export function readReadiness(text: string): Inside {
  const lines = text.split('\n').map(splitFirst);
  const find = (word: string): string | null => lines.find(([first]) => first === word)?.[1] ?? null;
  const all = (word: string): string[] => lines.filter(([first]) => first === word).map(([, rest]) => rest);
  const jobs = all('job').slice(0, 3);
  const systemd = find('systemd');
  const openrc = find('openrc');
  return {
    boot: systemd !== null ? systemdBoot(systemd, jobs) : openrc !== null ? openrcBoot(openrc, jobs) : null,
    managed: find('none') === null,
    ageMs: ageOf(find('one'), find('self')),
    locks: [...new Set(all('lock').map(lockPhrase))],
  };
}

function splitFirst(line: string): readonly [string, string] {
  const space = line.indexOf(' ');
  return space === -1 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}

function systemdBoot(state: string, jobs: readonly string[]): string | null {
  return ['running', 'degraded', 'maintenance'].includes(state)
    ? null
    : `systemd is ${state === 'stopping' ? 'stopping' : 'still starting'}${waitingFor(jobs)}`;
}

function openrcBoot(text: string, jobs: readonly string[]): string | null {
  const [level = '', busy = ''] = text.split(' ');
  return busy === 'over' && !['sysinit', 'boot', ''].includes(level)
    ? null
    : `OpenRC is still starting${waitingFor(jobs)}`;
}

function waitingFor(jobs: readonly string[]): string {
  return jobs.length === 0 ? '' : ` (${jobs.map((job) => oneLine(job, 60)).join(', ')})`;
}

/** Both start times count in ticks of 10 ms since the host's boot, also where /proc/uptime is the container's own. */
function ageOf(one: string | null, self: string | null): number | null {
  const from = startTicks(one);
  const to = startTicks(self);
  return from === null || to === null || to < from ? null : (to - from) * 10;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold anything, also `)`. */
function startTicks(stat: string | null): number | null {
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  const ticks = Number(fields[19]);
  return Number.isSafeInteger(ticks) && ticks >= 0 && fields[19] !== '' ? ticks : null;
}

function lockPhrase(text: string): string {
  const [pid = '', file = '', ...name] = text.split(' ');
  const holder = oneLine(name.join(' '), 40) || 'a process';
  return pid === '0'
    ? `${oneLine(file, 80)} is there, as ${holder} leaves it while it works`
    : `${holder} (process ${oneLine(pid, 20)}) holds ${oneLine(file, 80)}`;
}
