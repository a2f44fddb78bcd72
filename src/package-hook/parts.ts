/** A file of the hook: its source below `hooks/` and its path in the instance. */
export interface Part {
  readonly source: string;
  readonly path: string;
  readonly mode: number;
}

/** Returns the text of a part by its `source`. */
export type ReadHookPart = (source: string) => Promise<string>;

/** A package manager of an instance, with its parts. */
export interface Manager {
  readonly name: string;
  readonly parts: readonly Part[];
}

/**
 * What is known of a package manager. A `*` in a path stands for what is there; in the path of a part, for the same as in
 * the sign that was found.
 */
export interface KnownManager extends Manager {
  /** Files that show that the manager is installed and supported. */
  readonly signs: readonly string[];
  /** Files that the manager generates from the parts. */
  readonly leaves?: readonly string[];
  /** Why the manager is not supported if `sign` exists without any of `signs`. */
  readonly unable?: { readonly sign: string; readonly message: string };
}

/** The client, which all managers call. */
export const client: Part = { source: 'guard-hook', path: '/usr/local/lib/guard/guard-hook', mode: 0o755 };

/** The settings of the client, generated from the configuration of the host. */
export const settingsPath = '/etc/guard/hook.conf';

/** Scripts between the client and a manager are beside the client. */
const beside = '/usr/local/lib/guard';

/** dnf 4 is a Python package; its plugins are in a folder beside it. */
const python = '/usr/lib/python3*/*-packages';

/** The supported package managers, in display order. A part comes after the part that it calls. */
export const knownManagers: readonly KnownManager[] = [
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
  {
    name: 'dnf',
    signs: [`${python}/dnf/const.py`],
    parts: [{ source: 'dnf/guard.py', path: `${python}/dnf-plugins/guard.py`, mode: 0o644 }],
    leaves: [`${python}/dnf-plugins/__pycache__/guard.*.pyc`],
  },
  {
    name: 'dnf5',
    signs: ['/usr/lib64/libdnf5/plugins/actions.so', '/usr/lib/*-linux-gnu*/libdnf5/plugins/actions.so'],
    parts: [
      { source: 'dnf5/dnf5', path: `${beside}/dnf5`, mode: 0o755 },
      { source: 'dnf5/guard.actions', path: '/etc/dnf/libdnf5-plugins/actions.d/guard.actions', mode: 0o644 },
    ],
    unable: {
      sign: '/usr/bin/dnf5',
      message:
        'dnf5 is there, but cannot ask: install its plugin "actions" (libdnf5-plugin-actions) and then the hook again',
    },
  },
  {
    name: 'zypper',
    signs: ['/usr/bin/zypper'],
    parts: [{ source: 'zypper/guard', path: '/usr/lib/zypp/plugins/commit/guard', mode: 0o755 }],
  },
  {
    name: 'pacman',
    signs: ['/usr/bin/pacman'],
    parts: [
      { source: 'pacman/pacman', path: `${beside}/pacman`, mode: 0o755 },
      { source: 'pacman/zz-guard.hook', path: '/etc/pacman.d/hooks/zz-guard.hook', mode: 0o644 },
      { source: 'pacman/00-guard.hook', path: '/etc/pacman.d/hooks/00-guard.hook', mode: 0o644 },
    ],
  },
  {
    name: 'apk',
    signs: ['/sbin/apk', '/usr/sbin/apk', '/usr/bin/apk'],
    parts: [{ source: 'apk/guard', path: '/etc/apk/commit_hooks.d/guard', mode: 0o755 }],
  },
];
