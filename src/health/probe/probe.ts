import { err, ok, type Result } from '../../result.ts';
import type { Disk, Facts, Reboot } from '../facts.ts';
import { configurationFrom } from '../resources/configuration/parse.ts';
import { networkFrom } from '../resources/network/parse.ts';
import { packagesFrom } from '../resources/package/parse.ts';
import { initOf, processTable, socketOwners } from '../resources/process/parse.ts';
import { numberOr, sectionsOf, type Section } from './sections.ts';
import { ephemeralRange, inetSockets, unixSockets } from '../resources/listener/parse.ts';
import { managerOf, unitFilesOf, unitsOf } from '../resources/unit/parse.ts';

/** The answer came and is not what the probe writes. */
export interface UnreadableFacts {
  readonly kind: 'unreadable';
  readonly message: string;
}

/** Reads what the probe wrote. Total: whatever comes, it returns facts, with `null` for what cannot be trusted. */
export function parseProbe(text: string, nonce: string): Result<Facts, UnreadableFacts> {
  const sections = sectionsOf(text, nonce);
  const self = sections.get('self');
  if (self === undefined) return err({ kind: 'unreadable', message: 'The probe inside the instance did not answer.' });
  const said = (word: string): string[] => wordsAfter(self, word);

  const processes = whole(sections, 'processes', processTable);
  const owners = processes === null ? null : whole(sections, 'owners', (section) => socketOwners(section, processes));
  const units = unitsOf(said('manager')[0] ?? '', sections);
  return ok({
    v: 1,
    init: processes === null ? null : initOf(processes),
    manager: managerOf(said('manager'), units),
    units,
    unitFiles: whole(sections, 'unitfiles', unitFilesOf),
    ephemeralPorts: ephemeralRange(said('ephemeral')),
    sockets: whole(sections, 'inet', (section) => inetSockets(section, owners)),
    unixSockets: whole(sections, 'unix', (section) => unixSockets(section, owners)),
    network: networkFrom(sections.get('addresses'), sections.get('routes'), sections.get('nameservers')),
    packages: packagesFrom(sections),
    disk: whole(sections, 'space', (section) => diskFrom(section, said('root')[0] !== 'read-only')),
    reboot: whole(sections, 'reboot', rebootFrom),
    processes: processes === null ? null : [...processes.residents.values()],
    pages: said('pages')
      .filter((page) => /^\/[a-z]{1,20}\.php$/.test(page))
      .slice(0, 10),
    answers: null,
    configuration: configurationFrom(sections.get('signatures'), sections.get('lines')),
  });
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
