/** A file of the hook: where it comes from below `hooks/`, and where it lies inside. */
export interface Part {
  readonly source: string;
  readonly path: string;
  readonly mode: number;
}

/** What belongs to one package manager. */
export interface Manager {
  readonly name: string;
  /** The manager is there where one of these is. */
  readonly signs: readonly string[];
  readonly parts: readonly Part[];
}

/** The client, which all managers call. */
export const client: Part = { source: 'guard-hook', path: '/usr/local/lib/guard/guard-hook', mode: 0o755 };

/** What the client is told by the host's configuration; written here, not copied. */
export const settingsPath = '/etc/guard/hook.conf';

/** The package managers that can ask, in the order in which they are shown. */
export const managers: readonly Manager[] = [
  {
    name: 'apt',
    signs: ['/usr/bin/apt-get'],
    parts: [{ source: 'apt/00guard', path: '/etc/apt/apt.conf.d/00guard', mode: 0o644 }],
  },
  {
    name: 'dpkg',
    signs: ['/usr/bin/dpkg'],
    parts: [{ source: 'dpkg/00guard', path: '/etc/dpkg/dpkg.cfg.d/00guard', mode: 0o644 }],
  },
];
