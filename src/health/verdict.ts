import { formatDuration } from '../duration.ts';
import type { CheckResult, Finding, Severity, Verdict } from '../event.ts';
import { neutralise } from '../text.ts';
import type { Baseline } from './baseline.ts';
import { withSides } from './finding.ts';
import { compareFacts, missingFacts, type FactFinding } from './compare.ts';
import { comparesNothing } from './coverage.ts';
import type { Facts } from './facts.ts';
import type { Intent } from './intent.ts';
import type { Observation } from './observation.ts';

/**
 * One finding and its effect on the verdict: `fail` makes it unhealthy, `unknown` inconclusive, `info` is only reported.
 * `transient` ones may still resolve by themselves.
 */
export interface Concern extends Finding {
  readonly effect: 'fail' | 'unknown' | 'info';
  readonly transient: boolean;
  /** Something answers, but otherwise than before. */
  readonly different?: boolean;
}

export interface JudgeOptions {
  /** The instance was restarted between baseline and observation. */
  readonly restarted?: boolean;
  /** What the command names as to be removed. */
  readonly intent?: Intent;
}

/**
 * Judges what is seen now against the baseline: unhealthy where something required that held before does not hold now;
 * else inconclusive where something required that held before could not be asked; else healthy.
 */
export function judge(baseline: Baseline, observation: Observation, options: JudgeOptions = {}): Verdict {
  return verdictOf(concernsOf(baseline, observation, options), observation.checks);
}

/**
 * Judges an instance by what is seen now alone: before the command (whatever is not healthy is refused, because nothing
 * could be proven afterwards), and for `guard check`. Units that have failed are told and do not decide.
 */
export function judgeAlone(observation: Observation, options: JudgeAloneOptions = {}): Verdict {
  return verdictOf(
    [
      ...stateConcerns(observation),
      ...failedUnits(observation.facts),
      ...nothingCompared(observation, options),
      ...observation.checks.flatMap(aloneConcern),
    ],
    observation.checks,
  );
}

export interface JudgeAloneOptions {
  /** False where the facts are not compared: then something must be asked. Left out, nothing is said about it. */
  readonly automatic?: boolean;
  /** The user accepts that nothing can be compared. */
  readonly acceptNothingCompared?: boolean;
}

/** Everything there is to say about an observation, in the order of its importance for a reader. Pure. */
export function concernsOf(baseline: Baseline, observation: Observation, options: JudgeOptions = {}): Concern[] {
  return [
    ...stateConcerns(observation),
    ...factConcerns(baseline, observation, options),
    ...checkConcerns(baseline, observation),
  ];
}

/** The verdict that concerns add up to. Findings that say the same are told once. */
export function verdictOf(concerns: readonly Concern[], checks: readonly CheckResult[]): Verdict {
  const against = concerns.filter((concern) => concern.effect === 'fail');
  const unproven = concerns.filter((concern) => concern.effect === 'unknown');
  const deciding = against.length > 0 ? against : unproven;
  return {
    verdict: against.length > 0 ? 'unhealthy' : unproven.length > 0 ? 'inconclusive' : 'healthy',
    reasons: told(deciding),
    advisories: told(concerns.filter((concern) => !deciding.includes(concern))),
    checks,
  };
}

/** Whether this check's answer can decide: it is required, and it passed before. */
export function canDecide(baseline: Baseline, result: CheckResult): boolean {
  return result.severity === 'required' && before(baseline, result.name)?.status === 'passed';
}

function told(concerns: readonly Concern[]): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const { subject, severity, message, before: was, after } of concerns) {
    const sides = was === undefined || after === undefined ? {} : { before: was, after };
    if (!seen.has(message)) findings.push({ subject, severity, message, ...sides });
    seen.add(message);
  }
  return findings;
}

function stateConcerns({ state }: Observation): Concern[] {
  switch (state.kind) {
    case 'reachable':
      return [];
    case 'unreachable':
      return [unproven('instance', `the instance is running, but commands in it do not work: ${state.message}`)];
    case 'not-running':
      // A reboot passes through "Stopped".
      return [{ ...against('instance', `the instance is not running: ${state.message}`), transient: true }];
    default:
      return state satisfies never;
  }
}

function factConcerns(baseline: Baseline, observation: Observation, options: JudgeOptions): Concern[] {
  if (observation.state.kind !== 'reachable' || !baseline.automatic) return [];
  if (baseline.facts === null)
    return [
      advisory(
        'facts',
        `the state before the change could not be read: ${baseline.factsSay ?? 'the reason is unknown'}`,
      ),
    ];
  if (observation.facts === null)
    return [
      unproven('facts', `the state inside can no longer be read: ${observation.factsSay ?? 'there was no answer'}`),
    ];
  return [
    ...(isOtherBoot(baseline.facts, observation.facts) && options.restarted !== true
      ? [advisory('instance', 'the instance restarted since the baseline')]
      : []),
    ...compareFacts(baseline.facts, observation.facts, {
      restarted: isRestarted(baseline.facts, observation.facts, options),
      ...(options.intent ? { intent: options.intent } : {}),
    }).map(concernOfFact),
    // What cannot be seen any more is not proven.
    ...missingFacts(baseline.facts, observation.facts).map(({ subject, message }) => unproven(subject, message)),
  ];
}

/** Another process 1 is another boot, whoever caused it. */
function isRestarted(then: Facts, now: Facts, options: JudgeOptions): boolean {
  return (options.restarted ?? false) || isOtherBoot(then, now);
}

/** Whether process 1 is another one than before. */
export function isOtherBoot(then: Facts, now: Facts): boolean {
  return then.init !== null && now.init !== null && then.init.startTicks !== now.init.startTicks;
}

/** What a required finding of the facts means: it is against. */
export function concernOfFact(finding: FactFinding): Concern {
  return {
    ...finding,
    effect: finding.severity === 'required' ? (finding.effect ?? 'fail') : 'info',
  };
}

function checkConcerns(baseline: Baseline, observation: Observation): Concern[] {
  return [
    ...observation.checks.flatMap((result) => checkConcern(result, before(baseline, result.name))),
    ...baseline.checks
      .filter(({ name }) => !observation.checks.some((result) => result.name === name))
      .flatMap((earlier) => checkConcern({ ...earlier, status: 'unknown', message: 'it no longer exists' }, earlier)),
  ];
}

function before(baseline: Baseline, name: string): CheckResult | undefined {
  return baseline.checks.find((result) => result.name === name);
}

function checkConcern(now: CheckResult, then: CheckResult | undefined): Concern[] {
  const { name, message } = now;
  const subject = `check:${name}`;
  if (now.status === 'passed') return slower(now, then);
  const how = now.status === 'failed' ? 'fails' : 'could not be run';
  if (then === undefined) return [advisory(subject, `check "${name}", which is new, ${how}: ${message}`)];
  if (then.status !== 'passed')
    return [advisory(subject, `check "${name}" ${how}, and did not pass before either: ${message}`)];
  const severity: Severity = now.severity;
  const sentence = `check "${name}" passed before and now ${how}: ${message}${durations(now, then)}`;
  if (severity === 'advisory') return [advisory(subject, sentence)];
  const concern = now.status === 'failed' ? against(subject, sentence) : unproven(subject, sentence);
  return [
    withSides(concern, `passed: ${then.message}`, `${now.status === 'failed' ? 'failed' : 'not run'}: ${message}`),
  ];
}

/** So that a limit that is merely too tight is seen as what it is (F33). */
function durations(now: CheckResult, then: CheckResult): string {
  return isMuchSlower(now, then)
    ? ` (after ${formatDuration(now.ms)}; before, it took ${formatDuration(then.ms)})`
    : '';
}

function slower(now: CheckResult, then: CheckResult | undefined): Concern[] {
  return then?.status === 'passed' && isMuchSlower(now, then)
    ? [
        advisory(
          `check:${now.name}`,
          `check "${now.name}" passes, but took ${formatDuration(now.ms)}; before, it took ${formatDuration(then.ms)}`,
        ),
      ]
    : [];
}

function isMuchSlower(now: CheckResult, then: CheckResult): boolean {
  return now.ms >= 1000 && now.ms >= 3 * then.ms;
}

function aloneConcern(result: CheckResult): Concern[] {
  const subject = `check:${result.name}`;
  if (result.status === 'passed') return [];
  const how = result.status === 'failed' ? 'fails' : 'could not be run';
  const sentence = `check "${result.name}" ${how}: ${result.message}`;
  if (result.severity === 'advisory') return [advisory(subject, sentence)];
  return [result.status === 'failed' ? against(subject, sentence) : unproven(subject, sentence)];
}

function failedUnits(facts: Facts | null): Concern[] {
  return Object.values(facts?.units ?? {})
    .filter((unit) => unit.active === 'failed' || unit.sub === 'auto-restart')
    .map((unit) =>
      advisory(neutralise(`unit:${unit.id}`), neutralise(`${unit.id} is ${unit.active} (${unit.sub}): ${unit.result}`)),
    );
}

/** Where nothing can be compared and there is no check, no change could be noticed, and nothing is proven. */
function nothingCompared(
  observation: Observation,
  { automatic, acceptNothingCompared = false }: JudgeAloneOptions,
): Concern[] {
  if (
    observation.state.kind !== 'reachable' ||
    (observation.facts === null && observation.factsSay === null && automatic !== false)
  )
    return [];
  if (!comparesNothing(observation.facts)) return [];
  if (automatic === false)
    return observation.checks.length > 0
      ? []
      : [unproven('facts', 'automatic comparison is off, and no check is configured')];
  const reason = observation.factsSay ?? 'there are no units, packages, processes or sockets';
  if (observation.checks.length > 0) return [advisory('facts', `the state inside cannot be observed: ${reason}`)];
  const message = `nothing inside can be compared, and no check is configured: ${reason}`;
  return [acceptNothingCompared ? advisory('facts', message) : unproven('facts', message)];
}

function against(subject: string, message: string): Concern {
  return {
    subject,
    severity: 'required',
    message,
    effect: 'fail',
    transient: false,
  };
}

function unproven(subject: string, message: string): Concern {
  return {
    subject,
    severity: 'required',
    message,
    effect: 'unknown',
    transient: true,
  };
}

function advisory(subject: string, message: string): Concern {
  return {
    subject,
    severity: 'advisory',
    message,
    effect: 'info',
    transient: false,
  };
}

/** The reasons of a verdict as the end of a sentence that gets its own full stop. */
export function joinReasons(reasons: readonly Pick<Finding, 'message'>[]): string {
  return reasons
    .map(({ message }) => message)
    .join('; ')
    .replace(/\.$/, '');
}
