import type { Packages } from '../../facts.ts';
import type { Section } from '../../probe/sections.ts';

/** The packages of whichever package manager the instance has; null when its database cannot be read. */
export function packagesFrom(sections: ReadonlyMap<string, Section>): Packages | null {
  for (const [manager, read] of readers) {
    const section = sections.get(manager);
    if (section?.status === 0) return read(section.lines.slice(0, mostLines));
  }
  return null;
}

const mostLines = 500_000;

interface Entry {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  /** Why it is not properly installed; null when it is. */
  readonly trouble: string | null;
}

/** The fields of /var/lib/dpkg/status: dpkg(1) has the states. */
function dpkg(lines: readonly string[]): Packages {
  const entries: Entry[] = [];
  let fields = new Map<string, string>();
  function flush(): void {
    const entry = dpkgEntry(fields);
    if (entry !== null) entries.push(entry);
    fields = new Map();
  }
  for (const line of lines) {
    const at = line.indexOf(': ');
    if (at < 0) continue;
    if (line.startsWith('Package: ')) flush();
    fields.set(
      line.slice(0, at),
      line
        .slice(at + 2)
        .trim()
        .slice(0, 300),
    );
  }
  flush();
  return tableOf('dpkg', entries, 'dpkg', lines.includes('interrupted'));
}

function dpkgEntry(fields: ReadonlyMap<string, string>): Entry | null {
  const name = fields.get('Package');
  const [, flag, state] = (fields.get('Status') ?? '').split(' ');
  if (name === undefined || state === undefined || state === 'not-installed' || state === 'config-files') return null;
  const trouble = flag === 'reinstreq' ? 'to be reinstalled' : state === 'installed' ? null : state;
  return { name, architecture: fields.get('Architecture') ?? '', version: fields.get('Version') ?? '', trouble };
}

/** `name architecture version`. A package that is there twice is what an interrupted transaction leaves. */
function rpm(lines: readonly string[]): Packages {
  const entries = lines.flatMap((line): Entry[] => {
    const [name, architecture, version] = line.split(' ');
    return name && architecture && version ? [{ name, architecture, version, trouble: null }] : [];
  });
  const count = new Map<string, number>();
  for (const { name, architecture } of entries)
    count.set(`${name}.${architecture}`, (count.get(`${name}.${architecture}`) ?? 0) + 1);
  const marked = entries.map((entry) =>
    !severalByDesign.test(entry.name) && (count.get(`${entry.name}.${entry.architecture}`) ?? 0) > 1
      ? { ...entry, trouble: 'installed twice' }
      : entry,
  );
  return tableOf('rpm', marked, 'rpm', false);
}

const severalByDesign = /^(kernel|gpg-pubkey|kmod-|installonly)/;

/** `P:name` and `V:version` lines, then `world`, then what the administrator asked for. */
function apk(lines: readonly string[]): Packages {
  const world = lines.indexOf('world');
  const entries: Entry[] = [];
  let name: string | null = null;
  for (const line of world < 0 ? lines : lines.slice(0, world)) {
    if (line.startsWith('P:')) name = line.slice(2);
    else if (line.startsWith('V:') && name !== null)
      entries.push({ name, architecture: '', version: line.slice(2), trouble: null });
  }
  const known = new Set(entries.map((entry) => entry.name));
  const wanted = world < 0 ? [] : lines.slice(world + 1).flatMap((line) => /^[\w.+-]+/.exec(line)?.[0] ?? []);
  const missing = wanted.filter((wish) => !known.has(wish)).map((wish) => [wish, 'asked for and not installed']);
  const table = tableOf('apk', entries, '', false);
  return { ...table, broken: { ...table.broken, ...Object.fromEntries(missing) } };
}

/** `ok …/name-version-release/`, or `bad` where the entry has no description. */
function pacman(lines: readonly string[]): Packages {
  const entries = lines.flatMap((line): Entry[] => {
    const [, state, name, version] = /^(ok|bad) .*\/([^/]+)-([^-/]+-[^-/]+)\/$/.exec(line) ?? [];
    if (name === undefined || version === undefined) return [];
    return [
      { name, architecture: '', version, trouble: state === 'ok' ? null : 'without a description in the database' },
    ];
  });
  return tableOf('pacman', entries, '', lines.includes('interrupted'));
}

function none(): Packages {
  return { manager: 'none', installed: {}, broken: {}, interrupted: false };
}

const readers = [
  ['dpkg', dpkg],
  ['rpm', rpm],
  ['apk', apk],
  ['pacman', pacman],
  ['nopackages', none],
] as const;

/** Packages of the instance's own architecture (that of `anchor`) go by their name, others by name and architecture. */
function tableOf(
  manager: Packages['manager'],
  entries: readonly Entry[],
  anchor: string,
  interrupted: boolean,
): Packages {
  const own = entries.find((entry) => entry.name === anchor)?.architecture ?? '';
  const keyOf = ({ name, architecture }: Entry): string =>
    ['', 'all', 'noarch', '(none)', own].includes(architecture) ? name : `${name}:${architecture}`;
  const installed = new Map<string, string>();
  for (const entry of entries) {
    const known = installed.get(keyOf(entry));
    if (known === undefined) installed.set(keyOf(entry), entry.version);
    else if (known.length < 300) installed.set(keyOf(entry), `${known}, ${entry.version}`);
  }
  const broken = entries.flatMap((entry) => (entry.trouble === null ? [] : [[keyOf(entry), entry.trouble]]));
  return { manager, installed: Object.fromEntries(installed), broken: Object.fromEntries(broken), interrupted };
}
