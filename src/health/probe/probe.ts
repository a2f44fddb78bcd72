import { err, ok, type Result } from '../../result.ts';
import type { Disk, Facts, Process, Reboot } from '../facts.ts';
import { configurationFrom } from '../resources/configuration/parse.ts';
import { networkFrom } from '../resources/network/parse.ts';
import { packagesFrom } from '../resources/package/parse.ts';
import { initOf, processTable, socketOwners } from '../resources/process/parse.ts';
import { numberOr, sectionsOf, type Section } from './sections.ts';
import { ephemeralRange, inetSockets, unixSockets } from '../resources/listener/parse.ts';
import { managerOf, unitFilesOf, unitsOf, userUnitsOf } from '../resources/unit/parse.ts';
import { accountsFrom } from '../resources/account/parse.ts';
import { authoritiesFrom } from '../resources/authority/index.ts';
import { hostKeysFrom } from '../resources/host-key/index.ts';
import { jobsFrom } from '../resources/job/parse.ts';
import { kernelSettingsFrom } from '../resources/kernel-setting/parse.ts';
import { logFrom } from '../resources/log/parse.ts';
import { mountsFrom } from '../resources/mount/parse.ts';
import { privilegesFrom } from '../resources/privilege/index.ts';
import { workplacesFrom } from '../resources/workplace/index.ts';
import { programsFrom } from '../resources/program/parse.ts';
import { pagePathsFrom } from '../resources/reply/page-paths.ts';
import { localRepliesFrom } from '../resources/reply/local.ts';
import { accessFrom, linksFrom } from '../resources/unix-socket/parse.ts';
import { answersYesOrNo, clientConnections, queuesFrom } from '../resources/usage/parse.ts';
import { validationsFrom } from '../resources/validation/index.ts';

/** The answer came and is not what the probe writes. */
export interface UnreadableFacts {
  readonly kind: 'unreadable';
  readonly message: string;
}

/** Reads what the probe wrote. Total: whatever comes, it returns facts, with `null` for what cannot be trusted. */
export function parseProbe(text: string, nonce: string, since = 0): Result<Facts, UnreadableFacts> {
  const sections = sectionsOf(text, nonce);
  const self = sections.get('self');
  if (self === undefined) return err({ kind: 'unreadable', message: 'The probe inside the instance did not answer.' });
  const said = (word: string): string[] => wordsAfter(self, word);

  const processes = whole(sections, 'processes', processTable);
  const owners = processes === null ? null : whole(sections, 'owners', (section) => socketOwners(section, processes));
  const system = unitsOf(said('manager')[0] ?? '', sections);
  const ofUsers = whole(sections, 'usermanagers', userUnitsOf);
  const units = system === null || ofUsers === null ? system : { ...system, ...ofUsers.units };
  const sockets = whole(sections, 'inet', (section) => inetSockets(section, owners));
  return ok({
    v: 1,
    init: processes === null ? null : initOf(processes),
    manager: managerOf(said('manager'), units),
    units,
    unitFiles: whole(sections, 'unitfiles', unitFilesOf),
    ephemeralPorts: ephemeralRange(said('ephemeral')),
    sockets,
    unixSockets: whole(sections, 'unix', (section) =>
      unixSockets(section, owners, whole(sections, 'access', accessFrom)),
    ),
    network: networkFrom(sections.get('addresses'), sections.get('routes'), sections.get('nameservers')),
    packages: packagesFrom(sections),
    disk: whole(sections, 'space', (section) => diskFrom(section, said('root')[0] !== 'read-only')),
    reboot: whole(sections, 'reboot', rebootFrom),
    processes:
      processes === null ? null : withPrograms(processes.residents.values(), whole(sections, 'programs', programsFrom)),
    ...(numberOr(said('time')[0], 0) === 0 ? {} : { observedAt: numberOr(said('time')[0], 0) }),
    pages: said('pages')
      .filter((page) => /^\/[a-z]{1,20}\.php$/.test(page))
      .slice(0, 10),
    answers: null,
    configuration: configurationFrom(sections.get('signatures'), sections.get('lines')),
    jobs: whole(sections, 'jobs', jobsFrom),
    accounts: whole(sections, 'accounts', accountsFrom),
    hostKeys: whole(sections, 'hostkeys', hostKeysFrom),
    authorities: whole(sections, 'authorities', authoritiesFrom),
    kernel: whole(sections, 'kernel', kernelSettingsFrom),
    mounts: whole(sections, 'mounts', mountsFrom),
    workplaces:
      processes === null
        ? null
        : whole(sections, 'workplaces', (section) => workplacesFrom(section, processes.residents)),
    obstacles: whole(sections, 'obstacles', ({ lines }) => lines.filter((line) => line.startsWith('/'))),
    links: whole(sections, 'access', linksFrom) ?? {},
    queues: whole(sections, 'queues', queuesFrom),
    connections: whole(sections, 'clients', (section) =>
      clientConnections(section, sockets, (inode) => owners?.ownerOf(inode) ?? null),
    ),
    ...deepFacts(sections, since),
  });
}

/** What not every observation gathers: absent where this one did not. */
function deepFacts(sections: ReadonlyMap<string, Section>, since: number): DeepFacts {
  if (!sections.has('packaged')) return {};
  return {
    packaged: whole(sections, 'packaged', packagedFrom),
    validators: whole(sections, 'validators', validationsFrom),
    privileges: whole(sections, 'privileges', privilegesFrom),
    resolution: whole(sections, 'resolution', answersYesOrNo),
    peers: whole(sections, 'peers', answersYesOrNo),
    canWrite: whole(sections, 'writetest', answersYesOrNo),
    localReplies: whole(sections, 'localreplies', localRepliesFrom),
    pagePaths: whole(sections, 'pagepaths', pagePathsFrom),
    log: whole(sections, 'log', (section) => logFrom(section, since)),
  };
}

/** What only a deep observation gathers: it does not change by itself from one second to the next. */
const deepSections = [
  'packages',
  'configuration',
  'reboot',
  'jobs',
  'accounts',
  'hostKeys',
  'authorities',
  'kernel',
  'queues',
  'workplaces',
  'obstacles',
  'packaged',
  'validators',
  'privileges',
  'resolution',
  'peers',
  'canWrite',
  'localReplies',
  'pagePaths',
  'log',
] as const satisfies readonly (keyof Facts)[];

/** The part of facts that only a deep observation has. */
export function deepFactsOf(facts: Facts): DeepFacts {
  return Object.fromEntries(deepSections.map((name) => [name, facts[name]]).filter(([, value]) => value !== undefined));
}

type DeepFacts = Partial<Pick<Facts, (typeof deepSections)[number]>>;

function withPrograms(processes: Iterable<Process>, programs: ReadonlyMap<number, string> | null): readonly Process[] {
  return [...processes].map((process) => {
    const program = programs?.get(process.pid);
    return program === undefined ? process : { ...process, program };
  });
}

/** `/var/lib/dpkg/info/NAME.list:/path` lines: the package by the name of the unit, or by the path of another file. */
function packagedFrom(section: Section): Record<string, string> | null {
  if (section.status > 1) return null;
  return Object.fromEntries(
    section.lines.slice(0, 5000).flatMap((line) => {
      const [, name, path] = /^\/var\/lib\/dpkg\/info\/([^/]{1,200})\.list:(\/.{1,300})$/.exec(line) ?? [];
      if (name === undefined || path === undefined) return [];
      const key = path.includes('/systemd/') ? path.slice(path.lastIndexOf('/') + 1) : path;
      return [[key, name.replace(/:\w+$/, '')]];
    }),
  );
}

function whole<T>(
  sections: ReadonlyMap<string, Section>,
  name: string,
  read: (section: Section) => T | null,
): T | null {
  const section = sections.get(name);
  return section === undefined ? null : read(section);
}

function wordsAfter(section: Section, word: string): string[] {
  return (
    section.lines
      .find((line) => line.startsWith(`${word} `))
      ?.slice(word.length + 1, 500)
      .split(/\s+/) ?? []
  );
}

/** `stat -f`: block size, blocks, blocks for everybody, inodes, free inodes. */
function diskFrom(section: Section, writable: boolean): Disk | null {
  const [size, blocks, available, inodes, freeInodes] = (section.lines[0] ?? '')
    .split(' ')
    .map((word) => numberOr(word, -1));
  if (size === undefined || blocks === undefined || available === undefined) return null;
  if (size <= 0 || blocks <= 0 || available < 0) return null;
  return {
    totalBytes: size * blocks,
    availableBytes: size * available,
    totalInodes: Math.max(0, inodes ?? 0),
    availableInodes: Math.max(0, freeInodes ?? 0),
    writable,
  };
}

function rebootFrom(section: Section): Reboot {
  return {
    required: section.lines.includes('required'),
    packages: [...new Set(section.lines.filter((line) => line !== '' && line !== 'required'))].slice(0, 200),
  };
}
