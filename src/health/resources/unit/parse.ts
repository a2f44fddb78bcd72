import type { ServiceManager, Unit } from '../../facts.ts';
import { numberOr, type Section } from '../../probe/sections.ts';

/** Who manages services, from the `self` section, and whether it answered, from the `units` section. */
export function managerOf(said: readonly string[], units: UnitTable | null): ServiceManager {
  const [kind, runlevel] = said;
  if (kind === 'systemd') return { kind, answers: units !== null, booted: units !== null && booted(units) };
  if (kind === 'openrc') return { kind, runlevel: runlevel ?? '' };
  return kind === 'none' ? { kind } : { kind: 'unknown' };
}

export type UnitTable = Readonly<Record<string, Unit>>;

function booted(units: UnitTable): boolean {
  return Object.values(units).some((unit) => unit.names.includes('default.target') && unit.active === 'active');
}

/** The units of this manager; null when it did not answer, or when there is none. */
export function unitsOf(manager: string, sections: ReadonlyMap<string, Section>): UnitTable | null {
  const details = sections.get('units');
  if (details === undefined) return null;
  if (manager === 'openrc') return openrcUnits(details);
  const list = sections.get('unitlist');
  return manager === 'systemd' && list !== undefined ? systemdUnits(list, details) : null;
}

/**
 * Every unit of `systemctl list-units`, with the details of `systemctl show` (blocks of `Key=value` lines with blank lines
 * between them) where they were asked for.
 */
function systemdUnits(list: Section, details: Section): UnitTable | null {
  // show fails as a whole when one unit went away meanwhile; 124 and more: it ran out of time, or never ran.
  if (list.status !== 0 || details.status >= 124) return null;
  const units = new Map<string, Unit>();
  for (const line of list.lines) {
    const [id, load, active, sub] = line.trim().split(/\s+/);
    if (id === undefined || load === undefined || active === undefined || sub === undefined) continue;
    units.set(id, { ...unitWithoutDetails, id, names: [id], load, active, sub });
  }
  for (const unit of detailed(details.lines)) units.set(unit.id, unit);
  return units.size === 0 || units.size > mostUnits ? null : Object.fromEntries(units);
}

function detailed(lines: readonly string[]): Unit[] {
  const units: Unit[] = [];
  let block = new Map<string, string>();
  for (const line of [...lines, '']) {
    const at = line.indexOf('=');
    if (at > 0) block.set(line.slice(0, at), line.slice(at + 1));
    if (line !== '') continue;
    const unit = unitFrom(block);
    if (unit !== null) units.push(unit);
    block = new Map();
  }
  return units;
}

const mostUnits = 50_000;

function unitFrom(block: ReadonlyMap<string, string>): Unit | null {
  const value = (key: string): string => (block.get(key) ?? '').slice(0, 4096);
  const id = value('Id');
  const active = value('ActiveState');
  if (id === '' || active === '') return null;
  return {
    id,
    names: words(value('Names')),
    load: value('LoadState'),
    active,
    sub: value('SubState'),
    result: value('Result'),
    type: value('Type'),
    fileState: value('UnitFileState'),
    restarts: numberOr(block.get('NRestarts'), 0),
    mainPid: numberOr(block.get('MainPID'), 0),
    exit: exitFrom(value('ExecMainCode'), value('ExecMainStatus')),
    invocation: value('InvocationID'),
    transient: value('Transient') === 'yes',
    remainAfterExit: value('RemainAfterExit') === 'yes',
    busName: value('BusName'),
    triggeredBy: words(value('TriggeredBy')),
    wantedBy: [...words(value('WantedBy')), ...words(value('RequiredBy'))],
    fragment: value('FragmentPath'),
    ...(isSkipped(value) ? { skipped: true } : {}),
    ...restartRules(value),
    ...(value('User') === '' || value('DynamicUser') === 'yes' ? {} : { user: value('User') }),
    ...(/^\d/.test(value('Job')) ? { job: true } : {}),
    ...(id.endsWith('.timer') ? timerFrom(value) : {}),
    ...(/^\d+$/.test(value('LimitNOFILESoft')) ? { openFiles: numberOr(value('LimitNOFILESoft'), 0) } : {}),
  };
}

function restartRules(value: (key: string) => string): Partial<Unit> {
  const statuses = (key: string): number[] =>
    words(value(key)).flatMap((word) => (/^\d{1,3}$/.test(word) ? [Number(word)] : []));
  const [restart, success] = [statuses('RestartForceExitStatus'), statuses('SuccessExitStatus')];
  return {
    ...(value('Restart') === '' || value('Restart') === 'no' ? {} : { restart: value('Restart') }),
    ...(restart.length === 0 ? {} : { restartStatuses: restart }),
    ...(success.length === 0 ? {} : { successStatuses: success }),
  };
}

/** A timer that waits for no moment will not run again by itself. */
function timerFrom(value: (key: string) => string): Partial<Unit> {
  const never = (key: string): boolean => ['', 'infinity', 'n/a', '0'].includes(value(key));
  return {
    planned: !never('NextElapseUSecRealtime') || !never('NextElapseUSecMonotonic'),
    lastTrigger: value('LastTriggerUSec'),
  };
}

/** The units of users' managers under `user@1000.service/NAME`, and the users who stay when they log out. */
export function userUnitsOf(section: Section): { readonly units: UnitTable; readonly users: ReadonlySet<number> } {
  const users = new Set<number>();
  const found = new Map<string, Unit>();
  let uid = -1;
  let lines: string[] = [];
  for (const line of section.lines) {
    const user = /^user (\d{1,10})$/.exec(line)?.[1];
    const answered = /^answered (\d{1,10})$/.exec(line)?.[1];
    if (user !== undefined) {
      uid = Number(user);
      users.add(uid);
      lines = [];
    } else if (answered !== undefined) {
      for (const unit of detailed(lines)) {
        const prefixed = ofUser(unit, uid);
        found.set(prefixed.id, prefixed);
      }
    } else lines.push(line);
  }
  return { units: Object.fromEntries(found), users };
}

function ofUser(unit: Unit, uid: number): Unit {
  const named = (name: string): string => `user@${uid}.service/${name}`;
  return {
    ...unit,
    id: named(unit.id),
    names: unit.names.map(named),
    triggeredBy: unit.triggeredBy.map(named),
    wantedBy: unit.wantedBy.map(named),
  };
}

/** The result is "no" as well where nobody has asked yet, as for a unit whose dependency failed. */
function isSkipped(value: (key: string) => string): boolean {
  return (
    value('ActiveState') === 'inactive' &&
    value('ConditionResult') === 'no' &&
    numberOr(value('ConditionTimestampMonotonic'), 0) > 0
  );
}

/** The words of waitid(2): CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3; 0 while the main process has not ended. */
function exitFrom(code: string, status: string): Unit['exit'] {
  const how = ({ '1': 'exited', '2': 'killed', '3': 'dumped' } as const)[code];
  return how === undefined ? null : { how, status: numberOr(status, 0) };
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

/** The unit files of `ls`, some lines of it with links: a link to /dev/null masks a unit. */
export function unitFilesOf(section: Section): readonly string[] | null {
  if (section.status !== 0) return null;
  const names = new Set<string>();
  const masked = new Set<string>();
  for (const line of section.lines.slice(0, mostUnits)) {
    const [entry = '', target] = line.split(' -> ', 2);
    const name = entry.slice(entry.lastIndexOf(' ') + 1);
    if (!/^[\w:@\\.-]{1,250}\.[a-z]{1,20}$/.test(name)) continue;
    if (target === '/dev/null') masked.add(name);
    else names.add(name);
  }
  return [...names].filter((name) => !masked.has(name)).toSorted();
}

const unitWithoutDetails: Unit = {
  id: '',
  names: [],
  load: '',
  active: '',
  sub: '',
  result: '',
  type: '',
  fileState: '',
  restarts: 0,
  mainPid: 0,
  exit: null,
  invocation: '',
  transient: false,
  remainAfterExit: false,
  busName: '',
  triggeredBy: [],
  wantedBy: [],
  fragment: '',
};

/** OpenRC's services: `started /run/openrc/started/nginx`, and `nginx = crashed` for those whose process is gone. */
function openrcUnits(section: Section): UnitTable | null {
  if (section.status !== 0) return null;
  const states = new Map<string, string>();
  for (const line of section.lines) {
    const service = /^([a-z]+) \/run\/openrc\/[a-z]+\/(\S+)$/.exec(line);
    if (service?.[1] !== undefined && service[2] !== undefined) states.set(service[2], service[1]);
  }
  for (const line of section.lines) {
    if (!line.includes('crashed') || line.includes('/run/openrc/')) continue;
    const name = /^\s*(\S{1,200})[\s=]/.exec(line)?.[1];
    if (name !== undefined) states.set(name, 'crashed');
  }
  return Object.fromEntries([...states].map(([name, state]) => [name, openrcUnit(name, state)]));
}

function openrcUnit(id: string, state: string): Unit {
  return {
    ...unitWithoutDetails,
    id,
    names: [id],
    load: 'loaded',
    active: activeInOpenrc.get(state) ?? 'inactive',
    sub: state,
    result: state === 'failed' || state === 'crashed' ? state : 'success',
    type: 'openrc',
    fileState: 'enabled',
  };
}

const activeInOpenrc: ReadonlyMap<string, string> = new Map([
  ['started', 'active'],
  ['starting', 'activating'],
  ['stopping', 'deactivating'],
  // OpenRC's `inactive`: started, and waiting for something like a network cable.
  ['inactive', 'activating'],
  ['wasinactive', 'activating'],
  ['failed', 'failed'],
  ['crashed', 'failed'],
]);
