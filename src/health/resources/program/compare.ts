import { grouped, mapOf } from '../../finding.ts';
import type { Facts, Process } from '../../facts.ts';
import type { Difference, Trait } from '../../rules.ts';
import { conditionOf, withoutVersion } from '../unit/state.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** Programs that the service manager does not know by a name of their own: parts of units, supervised ones, those left to run by a session, and those in containers. */
export function comparePrograms(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  if (before.manager.kind !== 'systemd' || before.processes === null || after.processes === null) return [];
  if (!before.processes.some(({ program }) => program !== undefined)) return [];
  const were = groupsIn(before);
  const are = groupsIn(after);
  const everywhere = new Set([...are.values()].map(({ program }) => program));
  return [...were.values()].flatMap((group) => {
    const now = are.get(group.key);
    if (now === undefined) {
      // The unit as a whole is compared by its manager.
      if (group.unit !== null && !isUp(group.unit, after)) return [];
      return lostProgram(comparison, group, everywhere);
    }
    return fewerProcesses(comparison, group, now.processes.length);
  });
}

interface Group {
  readonly key: string;
  readonly place: 'unit' | 'session' | 'container';
  /** The unit whose manager compares it; null for sessions and containers. */
  readonly unit: string | null;
  readonly program: string;
  readonly processes: readonly Process[];
}

function groupsIn(facts: Facts): ReadonlyMap<string, Group> {
  const known = (facts.processes ?? []).filter(({ program, name }) => program !== undefined && !passing.test(name));
  return new Map(
    [...grouped(known, keyOf)].map(([key, processes]) => {
      const [first] = processes;
      const place = placeOf(first?.unit ?? null);
      return [
        key,
        { key, place, unit: place === 'unit' ? (first?.unit ?? null) : null, program: nameOf(first), processes },
      ];
    }),
  );
}

const nameOf = (process: Process | undefined): string => withoutVersion(process?.program ?? '');

function keyOf(process: Process): string {
  const place = placeOf(process.unit);
  return `${place === 'unit' ? withoutVersion(process.unit ?? '') : place} ${nameOf(process)}`;
}

function placeOf(unit: string | null): Group['place'] {
  if (unit === null || /^session-.*\.scope$|^user@\d+\.service(\/.*\.scope)?$|^run-.*\.scope$/.test(unit))
    return 'session';
  return /^(docker|libpod|crio|cri-containerd|nspawn|machine)[-@].*/.test(unit) ? 'container' : 'unit';
}

/** Shells, what waits in scripts, people's tools, and what comes with a connection or a session. */
const passing =
  /^(sleep|cat|sed|awk|gawk|mawk|tee|find|xargs|sort|head|cut|tr|dd|cp|tar|gzip|xz|timeout|getty|agetty|login|sh|ash|dash|bash|zsh|su|sudo|less|more|vi|vim|nano|top|htop|CRON|cron|sshd.*|\(sd-pam\)|sftp-server|systemd.*|dbus-daemon|gpg-agent|ssh-agent|apt.*|dpkg.*|unattended-upgr|needrestart|incus.*|lxc.*|ps|grep|tail|journalctl|systemctl|pickup|bounce|local|smtp|smtpd|cleanup|trivial-rewrite|showq|anvil|proxymap|verify|flush|tlsmgr|error|lmtp|pipe|virtual|scache|discard|config|stats|auth|imap|imap-login|pop3|pop3-login|lmtp)$/;

function lostProgram(comparison: Comparison, group: Group, everywhere: ReadonlySet<string>): Difference[] {
  const { before, restarted } = comparison;
  const traits = traitsOf(group, before);
  if (!traits.includes('supervised') && !isLasting(group, before)) return [];
  if (group.place === 'session' && !traits.includes('detached')) return [];
  const removed = isRemoved(comparison, null, lastPart(group.program), group.unit ?? '');
  return [
    {
      resource: 'program',
      change: 'lost',
      name: group.program,
      subject: `program:${lastPart(group.program)}`,
      message: `${group.unit === null ? '' : `${group.unit}: `}${group.program} was running, is gone`,
      transient: true,
      traits: [
        ...(removed ? (['removed'] as const) : []),
        ...(everywhere.has(group.program) ? (['replaced'] as const) : []),
        ...(restarted && group.place === 'session' ? (['restarted'] as const) : []),
        ...traits,
      ],
    },
  ];
}

function traitsOf(group: Group, before: Facts): Trait[] {
  const byPid = new Map(before.processes?.map((process) => [process.pid, process]));
  const parents = group.processes.flatMap(({ parent }) => ancestors(parent, byPid));
  if (parents.some(({ name }) => supervisors.test(name))) return ['supervised'];
  if (parents.some(({ name }) => engines.test(name))) return ['of-container', 'supervised'];
  if (group.place === 'container') return ['of-container'];
  if (group.place === 'session')
    return group.processes.some(({ parent }) => parent === 1) || parents.some(({ name }) => multiplexers.test(name))
      ? ['detached']
      : [];
  return isOwnProgram(group.program) ? ['own'] : ['part'];
}

function ancestors(pid: number, byPid: ReadonlyMap<number, Process>): Process[] {
  const found: Process[] = [];
  for (let process = byPid.get(pid); process !== undefined && found.length < 20; process = byPid.get(process.parent))
    found.push(process);
  return found;
}

/** Programs that keep others running. */
const supervisors =
  /^(supervisord|runsvdir|runsv|s6-svscan|s6-supervise|svscan|supervise|PM2.*|pm2.*|circusd|monit|perpd|immortal|god|foreman.*|honcho|overmind|hivemind|nomad|daemontools)/;

/** Programs that run containers inside. */
const engines =
  /^(containerd-shim|conmon|lxc-start|\[lxc monitor\]|crun|runc|docker-init|catatonit|systemd-nspawn|incusd|lxd)/;

const multiplexers = /^(tmux|screen|SCREEN|dtach|abduco|zellij)/;

/** No package brings programs there. */
const isOwnProgram = (program: string): boolean =>
  /(^|\s)\/(srv|opt|home|root|usr\/local|var|data|app)\//.test(program);

/** How long a process of a session must have run to be meant to stay, and any process of a unit, in milliseconds. */
const lastingMs = { session: 30_000, unit: 2000 } as const;

/**
 * It was there for half a minute. Of a unit it is enough that it was there as long as nearly everything else in a young
 * instance, or began together with its unit. What a session left a moment ago may be a tool that is about to end.
 */
function isLasting({ place, processes, unit }: Group, before: Facts): boolean {
  const eldest = Math.max(0, ...(before.processes ?? []).slice(0, 5000).map(({ ageMs }) => ageMs));
  const age = Math.max(...processes.map(({ ageMs }) => ageMs));
  if (place === 'session') return age >= lastingMs.session;
  if (age < lastingMs.unit) return false;
  const main = unit === null ? undefined : mapOf(before.units ?? {}).get(unit)?.mainPid;
  const mainAge = before.processes?.find(({ pid }) => pid === main)?.ageMs;
  return age >= Math.min(30_000, eldest / 10) || (mainAge !== undefined && mainAge - age < 2000);
}

function isUp(unit: string, { units }: Facts): boolean {
  if (units === null) return false;
  const now = Object.values(units).filter(
    (one) => withoutVersion(one.id) === withoutVersion(unit) || one.names.includes(unit),
  );
  return now.some((one) => conditionOf(one) === 'running');
}

/** Half of the workers of a master, or more, are gone. */
function fewerProcesses({ before }: Comparison, group: Group, now: number): Difference[] {
  const was = group.processes.length;
  if (was < 3 || now > was / 2 || !isLasting(group, before) || group.place === 'session') return [];
  return [
    {
      resource: 'program',
      change: 'fewer',
      name: group.program,
      subject: `program:${lastPart(group.program)}`,
      message: `${group.unit ?? group.place}: ${was} processes of ${group.program} were running, now ${now}`,
      transient: true,
      traits: elastic.test(lastPart(group.program)) ? ['elastic'] : [],
    },
  ];
}

const elastic =
  /^(php-fpm|apache|httpd|postgres|smbd|winbindd|sshd|exim|dovecot|squid|mysqld|mariadbd|master|qemu|chrome|named|containerd|docker)/;

const lastPart = (program: string): string => program.slice(program.lastIndexOf('/') + 1);
