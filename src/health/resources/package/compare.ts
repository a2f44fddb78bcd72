import { advisory, listed, mapOf, required, type FactFinding } from '../../finding.ts';
import type { Facts } from '../../facts.ts';

/** What the package manager itself calls not properly installed, and did not before. */
export function comparePackages(before: Facts, after: Facts): FactFinding[] {
  if (before.packages === null || after.packages === null || before.packages.manager !== after.packages.manager)
    return [];
  const { manager } = after.packages;
  const known = mapOf(before.packages.broken);
  const anew = [...mapOf(after.packages.broken)].filter(([name, trouble]) => known.get(name) !== trouble);
  const busy = after.processes?.some((process) => atWork.test(process.name)) ?? false;
  const waiting = anew.filter(([, trouble]) => trouble.startsWith('triggers-'));
  const broken = anew.filter(([, trouble]) => !trouble.startsWith('triggers-'));
  return [
    ...broken.map(([name, trouble]) => required(`package:${name}`, `package ${name} is ${trouble}`, busy)),
    ...(waiting.length === 0
      ? []
      : [advisory(`package:${manager}`, `triggers of ${listed(waiting.map(([name]) => name))} have not been run`)]),
    ...(after.packages.interrupted && !before.packages.interrupted
      ? [required(`package:${manager}`, `${manager} was interrupted in the middle of its work`, busy)]
      : []),
  ];
}

/** A package manager that works at this moment leaves packages half-way for as long as it does. */
const atWork = /^(dpkg|apt|apt-get|aptitude|unattended-upgr|rpm|dnf|dnf5|yum|zypper|apk|pacman)$/;
