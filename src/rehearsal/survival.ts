import type { Finding } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { isMissingAddress } from '../health/checks/address.ts';
import { concernsOf } from '../health/verdict.ts';
import { neutralise } from '../text.ts';

/** What the original does and its freshly booted copy does not. */
export interface Survival {
  /** The isolation of the copy is the cause: it says nothing of a reboot. */
  readonly needsOutside: readonly Finding[];
  /** It would not survive a reboot today, change or no change. */
  readonly notSurvivingReboot: readonly Finding[];
}

/** The log of each unit of the copy, by the unit's name; absent where it was not read. */
export type UnitLogs = Readonly<Record<string, string>>;

/** Units of the copy that are not as on the original: their logs tell why. */
export function unitsToExplain(original: Baseline, copy: Baseline): readonly string[] {
  return unitsOf(differences(original, copy));
}

/** Sorts the differences by their cause. Pure: `logs` were read before. */
export function compareSurvival(
  original: Baseline,
  copy: Baseline,
  logs: UnitLogs,
  removedPaths: readonly string[],
): Survival {
  const found = differences(original, copy);
  const isOutside = (finding: Finding): boolean => {
    const text = `${finding.subject} ${finding.message}`;
    const log = unitsIn(text)
      .map((unit) => logs[unit] ?? '')
      .join('\n');
    return (
      isExpected(finding) ||
      lacksAddress(copy, finding) ||
      saysOutside(log) ||
      removedPaths.some((path) => `${text}\n${log}`.includes(path))
    );
  };
  return {
    needsOutside: found
      .filter((finding) => isOutside(finding) && !isExpected(finding))
      .map((finding) => told(finding, 'could not be observed on the copy')),
    notSurvivingReboot: found.filter((finding) => !isOutside(finding)).map((finding) => told(finding, null)),
  };
}

/** A check over the network finds no address where the guest has a static one: the network of the copy has others. */
function lacksAddress({ checks }: Baseline, { subject }: Pick<Finding, 'subject'>): boolean {
  return checks.some(({ name, message }) => subject === `check:${name}` && isMissingAddress(message));
}

function differences(original: Baseline, copy: Baseline): readonly Finding[] {
  return concernsOf(original, asIfSameBoot(original, copy)).filter(({ effect }) => effect === 'fail');
}

/** What was started by hand is not expected back after a restart. Here it is looked for, so the boot is not told. */
function asIfSameBoot(original: Baseline, copy: Baseline): Baseline {
  if (copy.facts === null || original.facts === null) return copy;
  return { ...copy, facts: { ...copy.facts, init: original.facts.init } };
}

/** Differences that every copy has, because its network is another one on purpose: nobody has to be told each time. */
function isExpected({ subject }: Pick<Finding, 'subject'>): boolean {
  return /^(address:|route:|nameservers$)/.test(subject);
}

/** What a service writes that looks for somebody outside. */
const unreachable =
  /network is unreachable|no route to host|host is unreachable|could not resolve|temporary failure in name resolution|name or service not known|no address associated|cannot assign requested address/i;

/** The same, unless it names the machine itself. */
const unanswered = /connection (refused|timed out)|connect(ion)?[^\n]{0,60}(failed|timeout)/i;

/** The copy has a loopback interface, and sockets, as every boot has. */
const ownMachine = /\blocalhost\b|\b127\.\d+\.\d+\.\d+\b|(^|[^\w:])::1\b|\bunix:|\.sock\b|\.s\.PGSQL\b/i;

/** What the system writes of a unit that got no more memory. */
const outOfMemory = /out of memory|oom-kill|oom killer|cannot allocate memory/i;

/** The units that these findings name. */
export function unitsOf(findings: readonly Pick<Finding, 'subject' | 'message'>[]): readonly string[] {
  return [...new Set(findings.flatMap(({ subject, message }) => unitsIn(`${subject} ${message}`)))].slice(0, 20);
}

/**
 * The units behind these findings, where the copy alone may be the cause of each: the log of its unit tells of somebody
 * outside, or of too little memory. Empty where that is not true of all.
 */
export function brokenByCopy(
  findings: readonly Pick<Finding, 'subject' | 'message'>[],
  logs: UnitLogs,
): readonly string[] {
  const isOfCopy = (unit: string): boolean => {
    const log = logs[unit] ?? '';
    return saysOutside(log) || outOfMemory.test(log);
  };
  const all = findings.every((finding) => unitsOf([finding]).some(isOfCopy));
  return all ? unitsOf(findings).filter(isOfCopy) : [];
}

/** Whether a log tells of somebody outside who did not answer. */
function saysOutside(log: string): boolean {
  return log.split('\n').some((line) => unreachable.test(line) || (unanswered.test(line) && !ownMachine.test(line)));
}

function unitsIn(text: string): readonly string[] {
  return [...text.matchAll(/[\w@:.\\-]+\.(?:service|socket|mount|timer)\b/g)].map(([unit]) =>
    unit.replace(/^unit:/, ''),
  );
}

function told({ subject, message }: Finding, prefix: string | null): Finding {
  return {
    subject,
    severity: 'advisory',
    message: neutralise(prefix === null ? message : `${prefix}: ${message}`, 1000),
  };
}
