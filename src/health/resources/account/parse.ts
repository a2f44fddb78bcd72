import type { Account, Accounts } from '../../facts.ts';
import { numberOr, type Section } from '../../probe/sections.ts';

/** /etc/passwd, `groups`, /etc/group, `locked` and the names without a password, `expired` and `account NAME` or `password NAME`. */
export function accountsFrom(section: Section): Accounts | null {
  const groupsAt = section.lines.indexOf('groups');
  const lockedAt = section.lines.indexOf('locked');
  if (groupsAt < 0 || lockedAt < groupsAt) return null;
  const expiredAt = section.lines.lastIndexOf('expired');
  const end = expiredAt > lockedAt ? expiredAt : section.lines.length;
  const locked = new Set(section.lines.slice(lockedAt + 1, end));
  const expired = expiredFrom(section.lines.slice(end + 1));
  const users = section.lines.slice(0, Math.min(groupsAt, mostEntries)).flatMap((line): [string, Account][] => {
    const [name, , uid, , , , shell] = line.split(':');
    if (!name || uid === undefined) return [];
    const why = expired.get(name);
    const account = { uid: numberOr(uid, -1), shell: shell ?? '', locked: locked.has(name) };
    return [[name, why === undefined ? account : { ...account, expired: why }]];
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

function expiredFrom(lines: readonly string[]): ReadonlyMap<string, 'account' | 'password'> {
  return new Map(
    lines.slice(0, mostEntries).flatMap((line): [string, 'account' | 'password'][] => {
      const [, why, name] = /^(account|password) (.{1,100})$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, why === 'account' ? 'account' : 'password']];
    }),
  );
}

const mostEntries = 5000;
