import type { Init, Owner, Process } from '../../facts.ts';
import { numberOr, type Section } from '../../probe/sections.ts';

/** Every process inside, by pid, before visitors are taken out. */
export interface ProcessTable {
  readonly all: ReadonlyMap<number, Process>;
  /** Those that descend from process 1: not guard's own exec, nor anybody else's. */
  readonly residents: ReadonlyMap<number, Process>;
}

/** Reads `/proc/PID/stat:…` and `/proc/PID/cgroup:…` lines. */
export function processTable(section: Section): ProcessTable | null {
  if (section.status !== 0) return null;
  const stats = new Map<number, Stat>();
  const units = new Map<number, string>();
  for (const line of section.lines) {
    const [, pidText, file, rest] = /^\/proc\/(\d{1,10})\/(stat|cgroup):(.*)$/.exec(line) ?? [];
    if (rest === undefined || stats.size > mostProcesses) continue;
    const pid = Number(pidText);
    if (file === 'stat') {
      const stat = statFrom(pid, rest);
      if (stat !== null) stats.set(pid, stat);
    } else {
      const unit = unitOf(rest);
      if (unit !== null) units.set(pid, unit);
    }
  }
  const newest = [...stats.values()].reduce((most, stat) => Math.max(most, stat.startTicks), 0);
  const all = new Map(
    [...stats].map(([pid, stat]) => [
      pid,
      // The newest process is the probe's own: ages need no clock, which containers are told in several ways.
      { pid, ...stat, ageMs: (newest - stat.startTicks) * msPerTick, unit: units.get(pid) ?? null },
    ]),
  );
  return { all, residents: new Map([...all].filter(([pid]) => pid !== 1 && descendsFromInit(pid, all))) };
}

/** Process 1 of the instance. */
export function initOf(table: ProcessTable): Init | null {
  const init = table.all.get(1);
  return init === undefined ? null : { name: init.name, startTicks: init.startTicks };
}

const mostProcesses = 20_000;

/** USER_HZ is 100 on every architecture that Incus runs on. */
const msPerTick = 10;

interface Stat {
  readonly name: string;
  readonly parent: number;
  readonly startTicks: number;
  readonly cpuTicks: number;
}

/** A name can hold spaces, parentheses and line breaks: fields are counted from the last `)`, and the pid must agree. */
function statFrom(pid: number, text: string): Stat | null {
  const opened = text.indexOf(' (');
  const closed = text.lastIndexOf(') ');
  if (opened < 0 || closed < opened || text.slice(0, opened) !== String(pid)) return null;
  const fields = text.slice(closed + 2).split(' ');
  const startTicks = numberOr(fields[19], -1);
  if (startTicks < 0 || fields[0] === 'Z') return null;
  // Its own time and that of its children that have ended.
  const cpuTicks = fields.slice(11, 15).reduce((sum, field) => sum + numberOr(field, 0), 0);
  return { name: text.slice(opened + 2, closed), parent: numberOr(fields[1], 0), startTicks, cpuTicks };
}

/** The unit is the first part of the control group's path that is named like one; of a user's manager, with the unit of its own. */
function unitOf(line: string): string | null {
  const [hierarchy, controllers, ...path] = line.split(':');
  if (hierarchy !== '0' && controllers !== 'name=systemd') return null;
  const [unit, inner] = path
    .join(':')
    .split('/')
    .filter((part) => /\.(service|scope)$/.test(part));
  if (unit === undefined || unit === 'init.scope') return null;
  return inner !== undefined && inner !== 'init.scope' && /^user@\d+\.service$/.test(unit) ? `${unit}/${inner}` : unit;
}

function descendsFromInit(pid: number, all: ReadonlyMap<number, Process>): boolean {
  let process = all.get(pid);
  for (let depth = 0; process !== undefined && depth < 100; depth += 1) {
    if (process.parent === 1) return true;
    process = all.get(process.parent);
  }
  return false;
}

/** Who holds each socket, by inode: `/proc/PID/fd:` headers, then lines that end in `socket:[INODE]`. */
export function socketOwners(section: Section, processes: ProcessTable): SocketOwners {
  const holders = new Map<string, Process[]>();
  let pid = 0;
  for (const line of section.lines) {
    const header = /^\/proc\/(\d{1,10})\/fd:$/.exec(line);
    if (header) pid = Number(header[1]);
    const inode = /-> socket:\[(\d{1,20})\]$/.exec(line)?.[1];
    const process = processes.all.get(pid);
    if (inode === undefined || process === undefined) continue;
    const known = holders.get(inode);
    if (known) known.push(process);
    else holders.set(inode, [process]);
  }
  return {
    ownerOf: (inode) => ownerAmong(holders.get(inode) ?? []),
    heldByVisitor: (inode) => {
      const held = holders.get(inode) ?? [];
      return held.length > 0 && held.every((process) => process.pid !== 1 && !processes.residents.has(process.pid));
    },
  };
}

export interface SocketOwners {
  readonly ownerOf: (inode: string) => Owner | null;
  /** Held only by processes that came from outside, as with `incus exec`. */
  readonly heldByVisitor: (inode: string) => boolean;
}

/** Process 1 holds the sockets of socket units too: who serves them is the other one. Else the eldest is the main one. */
function ownerAmong(holders: readonly Process[]): Owner | null {
  const [main] = holders.toSorted(
    (a, b) => Number(a.pid === 1) - Number(b.pid === 1) || a.startTicks - b.startTicks || a.pid - b.pid,
  );
  return main === undefined ? null : { process: main.name, unit: main.unit };
}
