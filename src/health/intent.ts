/** What the command itself says that it takes away. */
export interface Intent {
  /**
   * The packages that the command removes, with its wildcards. Also `user:NAME` for each account that it removes or locks, and
   * `ssh-host-keys` if it creates new host keys.
   */
  readonly removes: readonly string[];
}

export const noIntent: Intent = { removes: [] };

/**
 * The removals that a command names: `apt purge nginx`, also inside `sh -c`. Stopping, disabling or masking a service is none: an upgrade
 * does that by mistake, and a service that was offered before is missed.
 */
export function intentOf(words: readonly string[]): Intent {
  const text = words.join(' ');
  const removes = removals.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap(([, names]) =>
      (names ?? '')
        .split(/\s+/)
        .filter((name) => /^[a-z0-9][\w.+*:-]*$/i.test(name))
        .map((name) => name.replace(/:\w+$/, '').replace(/-$/, '')),
    ),
  );
  // `apt install exim4 postfix-` removes the last.
  const swaps = [...text.matchAll(/\b(?:apt|apt-get|aptitude)\b[^;&|]*\binstall\b([^;&|]*)/g)].flatMap(([, names]) =>
    (names ?? '').split(/\s+/).flatMap((name) => /^([a-z0-9][\w.+]*(?:-[\w.+]+)*)-$/.exec(name)?.[1] ?? []),
  );
  const users = accountsNamed.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap(([, name]) => (name === undefined ? [] : [`user:${name}`])),
  );
  const keys = /\bssh_host_|\bssh-keygen\s+-A\b|\bdpkg-reconfigure\b[^;&|]*\bopenssh-server\b/.test(text);
  return { removes: [...new Set([...removes, ...swaps, ...users, ...(keys ? ['ssh-host-keys'] : [])])] };
}

/** Up to the end of the command in the line. */
const removals: readonly RegExp[] = [
  /\b(?:apt|apt-get|aptitude)\b[^;&|]*?\b(?:remove|purge|autoremove|autopurge)\b([^;&|]*)/g,
  /\bdpkg\s+(?:-\w*[rP]\b|--remove|--purge)([^;&|]*)/g,
  /\b(?:dnf|yum|microdnf|zypper)\b[^;&|]*?\b(?:remove|erase|rm)\b([^;&|]*)/g,
  /\brpm\s+(?:-e|--erase)\b([^;&|]*)/g,
  /\bapk\s+del\b([^;&|]*)/g,
  /\bpacman\s+-R\w*([^;&|]*)/g,
];

/** The account that a command removes or locks. */
const accountsNamed: readonly RegExp[] = [
  /\b(?:userdel|deluser)\b(?:\s+-\S+)*\s+([a-z_][\w.-]*)/g,
  /\b(?:usermod\b(?=[^;&|]*\s(?:-L|--lock|-e|--expiredate)\b)|passwd\s+(?:-l|--lock|-e|--expire)\b|chage\b)[^;&|]*?\s([a-z_][\w.-]*)\s*(?=$|[;&|\n])/g,
];

/** Whether the command names the removal of this package, or of the one that this unit, program or account is called after. */
export function isRemovalOf({ removes }: Intent, ...names: readonly (string | null | undefined)[]): boolean {
  return removes.some((removed) => {
    const pattern = new RegExp(`^${stem(removed).split('*').map(escape).join('.*')}$`, 'i');
    return names.some((name) => name != null && (pattern.test(name) || pattern.test(stem(name))));
  });
}

/** `redis-server.service`, `redis-server` and `redis` are of one service; so are `php8.2-fpm` and `php-fpm`. */
function stem(name: string): string {
  return name
    .replace(/^user@\d+\.service\//, '')
    .replace(/\.(service|socket|timer|path|mount)$/, '')
    .replace(/@.*$/, '')
    .replace(/\d+(\.\d+)*/g, '')
    .replace(/[-_]?(server|daemon|common|core|base|bin|utils|tools|light|full|extras|client)$/i, '')
    .replace(/(?<=[a-z]{3})d$/, '');
}

function escape(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
}
