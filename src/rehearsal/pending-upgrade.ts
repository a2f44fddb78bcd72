/** How each package manager installs what is pending, without asking anybody. */
const upgrades = {
  // An update that fails for one source, with a warning and status 0, goes on with what the others have: as on the instance.
  'apt-get':
    'apt-get -q update && exec apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold full-upgrade',
  dnf: 'exec dnf -y upgrade --refresh',
  yum: 'exec yum -y update',
  zypper: 'zypper --non-interactive refresh && exec zypper --non-interactive update',
  pacman: 'exec pacman -Syu --noconfirm',
  apk: 'exec apk upgrade --update-cache',
} as const;

/** The manager whose upgrade is rehearsed where no command is named; the first that the instance has. */
export type UpgradeManager = keyof typeof upgrades;

/** In the order in which they are looked for: an instance may have a second one beside its own. */
export const upgradeManagers = Object.keys(upgrades) as readonly UpgradeManager[];

/** Prints the first manager that is there; fails where there is none. */
export const managerScript = `for manager in ${upgradeManagers.join(' ')}; do
  command -v "$manager" >/dev/null 2>&1 && echo "$manager" && exit 0
done
exit 1`;

/** Null for what is not a manager: the text comes from inside the instance. */
export function managerOf(text: string): UpgradeManager | null {
  return upgradeManagers.find((manager) => manager === text.trim()) ?? null;
}

/** The command that installs everything pending. */
export function upgradeCommand(manager: UpgradeManager): readonly [string, ...string[]] {
  return ['sh', '-c', upgrades[manager]];
}

/** Whether these words are the command that installs everything pending. */
export function isUpgradeCommand(words: readonly string[]): boolean {
  return upgradeManagers.some((manager) => upgradeCommand(manager).join('\0') === words.join('\0'));
}
