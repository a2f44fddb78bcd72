import type { CheckDefinition } from '../check-definition.ts';
import type { Finding } from '../event.ts';

/** The checks that can ask the copy, and those that would ask somebody else. */
export interface ChecksForCopy {
  readonly asked: readonly CheckDefinition[];
  readonly notRehearsed: readonly Finding[];
}

/** Where the checks find the copy. */
export interface CopyForChecks {
  readonly project: string;
  /** False where the copy is on another machine than guard: nothing leads to the isolated network then. */
  readonly reachable: boolean;
}

/**
 * A check that is asked inside asks the copy. One that is sent from guard's machine does so only by `{address}`: any other
 * name or address is the original's, or somebody else's, and its answer would say nothing of the copy.
 */
export function checksForCopy(
  checks: readonly CheckDefinition[],
  { project, reachable }: CopyForChecks,
): ChecksForCopy {
  const reasons = checks.map((check) => whyNot(check, reachable));
  return {
    asked: checks.filter((_check, at) => reasons[at] === null).map((check) => forCopy(check, project)),
    notRehearsed: checks.flatMap(({ name }, at) => {
      const because = reasons[at];
      return because === null || because === undefined
        ? []
        : [{ subject: `check:${name}`, severity: 'advisory', message: `check "${name}" is not rehearsed: ${because}` }];
    }),
  };
}

const asksOther = 'it uses neither {address}, GUARD_ADDRESS nor GUARD_PROJECT, so it would not check the copy';
const outOfReach = 'it is sent over the network, which does not reach a copy on another machine';

function whyNot(check: CheckDefinition, reachable: boolean): string | null {
  switch (check.kind) {
    case 'exec':
    case 'systemd':
    case 'directory':
      return null;
    case 'http':
      return overNetwork(check.url, reachable);
    case 'tcp':
      return overNetwork(check.address, reachable);
    case 'dns':
      return overNetwork(check.server, reachable);
    case 'host':
      return onHost(check.command, reachable);
    case 'plugin':
      return check.where === 'inside' ? null : onHost(check.command, reachable);
  }
}

function overNetwork(target: string, reachable: boolean): string | null {
  if (!/\{address[46]?(:[^}]*)?\}/.test(target)) return 'it does not use {address}, so it would not check the copy';
  if (target.includes('{address6')) return 'the copy has no IPv6';
  return reachable ? null : outOfReach;
}

/** A command of the host may also find the copy by its project. The name alone is the original's, too. */
function onHost(command: readonly string[], reachable: boolean): string | null {
  if (!reachable && command.some((word) => word.includes('GUARD_ADDRESS'))) return outOfReach;
  if (command.some((word) => /GUARD_(PROJECT|ADDRESS)\b/.test(word))) return null;
  const target = command.join(' ');
  return target.includes('{address') ? overNetwork(target, reachable) : asksOther;
}

/** So that a script on the host can tell a copy from its original, and the command of the server finds the copy. */
function forCopy(check: CheckDefinition, project: string): CheckDefinition {
  if (check.kind !== 'host' && check.kind !== 'plugin') return check;
  const own = { GUARD_REHEARSAL: '1', INCUS_PROJECT: project, LXD_PROJECT: project };
  return { ...check, environment: { ...check.environment, ...own } };
}
