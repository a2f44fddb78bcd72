import type { Account, Facts } from '../../facts.ts';
import type { Difference, Trait } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** People and services that cannot log in, or are not who they were. */
export function compareAccounts(comparison: Comparison): Difference[] {
  const [was, is] = [comparison.before.accounts, comparison.after.accounts];
  if (was == null || is == null) return [];
  const after = new Map(Object.entries(is.users));
  return [
    ...Object.entries(was.users).flatMap(([name, user]) => compareUser(comparison, name, user, after.get(name))),
    ...lostMemberships(comparison, after),
  ];
}

function compareUser(comparison: Comparison, name: string, was: Account, is: Account | undefined): Difference[] {
  const traits: Trait[] = [
    ...(isRemoved(comparison, null, name) || comparison.intent.removes.includes(`user:${name}`)
      ? (['removed'] as const)
      : []),
    // Another id makes its files somebody else's, whoever uses them.
    ...(isPerson(was) || uses(comparison.before, name, was) || (is !== undefined && is.uid !== was.uid)
      ? []
      : (['unused'] as const)),
  ];
  const difference = (change: string, message: string): Difference[] => [
    { resource: 'account', change, name, subject: `account:${name}`, message, transient: false, traits },
  ];
  if (is === undefined) return difference('lost', `the user ${name} is gone`);
  if (is.uid !== was.uid)
    return difference(
      'changed',
      `the user ${name} has the id ${is.uid} now, before it was ${was.uid}: files belong to somebody else`,
    );
  if (canLogIn(was) && !canLogIn(is))
    return difference('no-login', `the user ${name} cannot log in any more: the shell is ${is.shell}`);
  if (is.expired === 'account' && was.expired !== 'account')
    return difference('expired', `the account ${name} has expired: PAM refuses its logins and its jobs of cron`);
  if (is.expired === 'password' && was.expired === undefined)
    return difference(
      uses(comparison.before, name, was) ? 'expired' : 'aged',
      `the password of ${name} has expired: a login asks for a new one, and jobs of cron are refused`,
    );
  if (!was.locked && is.locked) return difference('locked', `the password of the user ${name} is locked now`);
  return [];
}

const isPerson = ({ uid }: Account): boolean => uid === 0 || (uid >= 1000 && uid < 60_000);

const canLogIn = ({ shell }: Account): boolean => !/(nologin|false|sync)$/.test(shell);

/** A unit, a process or a table of cron is called after it. */
function uses({ processes, jobs, units }: Facts, name: string, { uid }: Account): boolean {
  return (
    (jobs?.entries.some(({ table }) => table.endsWith(`/${name}`)) ?? false) ||
    (processes?.some((process) => process.name === name || process.unit === `user@${uid}.service`) ?? false) ||
    Object.values(units ?? {}).some(({ id, active }) => id === `${name}.service` && active === 'active')
  );
}

function lostMemberships(comparison: Comparison, users: ReadonlyMap<string, Account>): Difference[] {
  const [was, is] = [
    comparison.before.accounts?.groups ?? {},
    new Map(Object.entries(comparison.after.accounts?.groups ?? {})),
  ];
  return Object.entries(was).flatMap(([group, members]) =>
    members
      .filter((member) => users.has(member) && is.get(group)?.includes(member) !== true)
      .map((member) => ({
        resource: 'account',
        change: comparison.after.accounts?.groupNames?.includes(group) === false ? 'group-gone' : 'left-group',
        name: member,
        subject: `account:${member}`,
        message: `the user ${member} is no longer in the group ${group}`,
        transient: false,
        traits: isRemoved(comparison, null, group) ? ['removed' as const] : [],
      })),
  );
}
