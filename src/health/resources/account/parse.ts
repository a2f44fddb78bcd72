import type { Account, Accounts } from '../../facts.ts';
import { numberOr, type Section } from '../../probe/sections.ts';

/** /etc/passwd, `groups`, /etc/group, `locked`, and the names without a password. */
export function accountsFrom(section: Section): Accounts | null {
  const groupsAt = section.lines.indexOf('groups');
  const lockedAt = section.lines.indexOf('locked');
  if (groupsAt < 0 || lockedAt < groupsAt) return null;
  const locked = new Set(section.lines.slice(lockedAt + 1));
  const users = section.lines.slice(0, Math.min(groupsAt, mostEntries)).flatMap((line): [string, Account][] => {
    const [name, , uid, , , , shell] = line.split(':');
    if (!name || uid === undefined) return [];
    return [[name, { uid: numberOr(uid, -1), shell: shell ?? '', locked: locked.has(name) }]];
  });
  const groups = section.lines
    .slice(groupsAt + 1, Math.min(lockedAt, groupsAt + mostEntries))
    .flatMap((line): [string, string[]][] => {
      const [name, , , members] = line.split(':');
      return name ? [[name, (members ?? '').split(',').filter((member) => member !== '')]] : [];
    });
  return {
    groupNames: groups.map(([name]) => name),
    users: Object.fromEntries(users),
    groups: Object.fromEntries(groups.filter(([, members]) => members.length > 0)),
  };
}

const mostEntries = 5000;
