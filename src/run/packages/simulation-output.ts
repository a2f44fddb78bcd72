import type { Changes } from '../../event.ts';
import type { Simulation } from './simulation-command.ts';

/** The packages that a simulation would change; null if it did not report any. dnf does not report the present versions. */
export function parseSimulation(
  manager: Simulation['manager'],
  status: number,
  text: string,
): Changes['packages'] | null {
  return readers[manager](status, text);
}

type Reader = (status: number, text: string) => Changes['packages'] | null;

/** `Inst nginx [1.0] (1.1 Debian:12.1/stable [amd64]) []`, `Remv old [1.0]`. */
const readApt: Reader = (status, text) => {
  if (status !== 0) return null;
  const found = text.split('\n').flatMap((line) => {
    const inst = /^Inst (\S+)(?: \[([^\]]+)\])? \((\S+)/.exec(line);
    if (inst) return [{ name: inst[1] ?? '', from: inst[2] ?? null, to: inst[3] ?? null }];
    const remv = /^(?:Remv|Purg) (\S+)(?: \[([^\]]+)\])?/.exec(line);
    return remv ? [{ name: remv[1] ?? '', from: remv[2] ?? null, to: null }] : [];
  });
  return found;
};

/** The table of the transaction, by its headings; version and architecture are columns. */
const readDnf: Reader = (_status, text) => {
  if (/^Nothing to do\.?$/m.test(text)) return [];
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => line.startsWith('Transaction Summary'));
  if (begin === -1) return null;
  let heading = '';
  return lines.slice(0, begin).flatMap((line) => {
    if (/^\S.*:$/.test(line)) heading = line;
    const row = /^ (\S+)\s+\S+\s+(\S+)\s+\S+\s+\S+ \S+$/.exec(line);
    if (!row) return [];
    const [, name = '', version = ''] = row;
    return [{ name, from: null, to: heading.startsWith('Removing') ? null : version }];
  });
};

/** `<to-upgrade><solvable type="package" name="a" edition="2" edition-old="1" …/>`. */
const readZypper: Reader = (status, text) => {
  if (status !== 0 && status < 100) return null;
  if (!/<stream>/.test(text)) return null;
  const groups = [...text.matchAll(/<(to-install|to-upgrade|to-downgrade|to-remove|to-reinstall)[^>]*>([^]*?)<\/\1>/g)];
  return groups.flatMap(([, group = '', body = '']) =>
    [...body.matchAll(/<solvable\b([^>]*)>/g)].flatMap(([, attributes = '']) => {
      const value = (key: string): string | null =>
        new RegExp(`(?<![\\w-])${key}="([^"]*)"`).exec(attributes)?.[1] ?? null;
      if (value('type') !== 'package') return [];
      const name = value('name') ?? '';
      const edition = value('edition');
      return group === 'to-remove'
        ? [{ name, from: edition, to: null }]
        : [{ name, from: value('edition-old'), to: edition }];
    }),
  );
};

const readers: Readonly<Record<Simulation['manager'], Reader>> = { apt: readApt, dnf: readDnf, zypper: readZypper };
