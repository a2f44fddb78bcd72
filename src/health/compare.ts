import { compareAnswers } from './resources/reply/compare.ts';
import { compareDisk, compareReboot, compareWrites } from './resources/storage/compare.ts';
import { advisory, bounded, type FactFinding } from './finding.ts';
import { compareNetwork } from './resources/network/compare.ts';
import { comparePackages } from './resources/package/compare.ts';
import { compareProcesses } from './resources/process/compare.ts';
import { compareServices } from './resources/services.ts';
import { ownerChanges, newSockets } from './resources/listener/compare.ts';
import { lostManager, lostStarts, newUnits } from './resources/unit/compare.ts';
import { compareAccounts } from './resources/account/compare.ts';
import { compareAuthorities } from './resources/authority/index.ts';
import { compareHostKeys } from './resources/host-key/index.ts';
import type { Comparison } from './resources/comparison.ts';
import { compareJobs } from './resources/job/compare.ts';
import { compareKernelSettings } from './resources/kernel-setting/compare.ts';
import { compareLimits } from './resources/unit/limits.ts';
import { compareLogs } from './resources/log/compare.ts';
import { compareMounts } from './resources/mount/compare.ts';
import { comparePrivileges } from './resources/privilege/index.ts';
import { comparePrograms } from './resources/program/compare.ts';
import { compareLocalReplies } from './resources/reply/local.ts';
import { compareTimers } from './resources/unit/timers.ts';
import { compareSocketAccess } from './resources/unix-socket/access.ts';
import { compareObstacles, compareWorkplaces } from './resources/workplace/index.ts';
import { compareUsage } from './resources/usage/compare.ts';
import { compareValidations } from './resources/validation/index.ts';
import { noIntent, type Intent } from './intent.ts';
import { findingOf, type Difference } from './rules.ts';
import type { Facts } from './facts.ts';

export type { FactFinding } from './finding.ts';
export { detectRestarts } from './flapping.ts';

export interface CompareOptions {
  /** The instance was restarted between the two: what only belonged to the old boot is not expected back. */
  readonly restarted?: boolean;
  /** What the command names as to be removed. */
  readonly intent?: Intent;
}

/**
 * What got worse, and what is worth telling, between the facts before the command and those after. A thing that was bad
 * before is never blamed; sections that are unknown on either side say nothing (see `missingFacts`). Required findings
 * come first.
 */
export function compareFacts(before: Facts, after: Facts, options: CompareOptions = {}): FactFinding[] {
  const comparison = { before, after, restarted: options.restarted ?? false, intent: options.intent ?? noIntent };
  return bounded([
    ...lostManager(before, after),
    ...compareServices(comparison),
    ...differences(comparison).map(findingOf),
    ...compareAnswers(before, after),
    ...compareProcesses(before, after),
    ...compareNetwork(before, after),
    ...comparePackages(before, after),
    ...compareDisk(before, after),
    ...newUnits(before, after),
    ...newSockets(before, after),
    ...ownerChanges(before, after),
    ...compareReboot(before, after),
  ]);
}

/** What the resources found, in the order in which it is told. `rules.ts` says what each means. */
function differences(comparison: Comparison): Difference[] {
  return [
    ...lostStarts(comparison),
    ...compareTimers(comparison),
    ...comparePrograms(comparison),
    ...compareJobs(comparison),
    ...compareSocketAccess(comparison),
    ...compareLocalReplies(comparison),
    ...compareUsage(comparison),
    ...compareLogs(comparison),
    ...compareValidations(comparison),
    ...compareMounts(comparison),
    ...compareWrites(comparison),
    ...compareWorkplaces(comparison),
    ...compareObstacles(comparison),
    ...compareAccounts(comparison),
    ...compareHostKeys(comparison),
    ...compareAuthorities(comparison),
    ...compareKernelSettings(comparison),
    ...comparePrivileges(comparison),
    ...compareLimits(comparison),
  ];
}

/** What could be read before the command and can no longer be: it decides nothing, but what cannot be seen is not healthy. */
export function missingFacts(before: Facts, after: Facts): FactFinding[] {
  return sections
    .filter(([name]) => before[name] !== null && after[name] === null)
    .map(([name, what]) => advisory(`facts:${name}`, `${what} could be read before and cannot be read now`));
}

const sections = [
  ['units', 'the units of the service manager'],
  ['sockets', 'the listening sockets'],
  ['unixSockets', 'the listening unix sockets'],
  ['network', 'addresses and routes'],
  ['packages', 'the packages'],
  ['disk', 'the space on the root file system'],
  ['processes', 'the processes'],
] as const satisfies readonly (readonly [keyof Facts, string])[];
