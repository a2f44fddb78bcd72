import type { CheckResult, Finding, Outcome, Verdict } from '../event.ts';
import { exitStatusOf, isGood, isUndecided, outcomeName } from '../run/outcome.ts';
import { neutralise } from '../text.ts';
import { summarizeOutcome } from './outcome-summary.ts';
import { commandTitle, phaseTitles, safeLines } from './format.ts';
import type { RunReport } from './run-report.ts';
import { xmlDocument, type Element } from './xml.ts';

/** One question and its answer. `skipped` is told and is neither good nor bad. */
interface TestCase {
  readonly name: string;
  readonly ms: number;
  readonly bad: null | {
    readonly as: 'failure' | 'error' | 'skipped';
    readonly message: string;
    readonly text: string;
  };
}

/**
 * The runs as JUnit XML in the form that Jenkins, GitLab and GitHub's tools read: a suite for each run; in it a case for its
 * outcome, for each phase, each check and each finding. A suite fails unless the change was kept because all is well; a change
 * that waits for its confirmation is skipped.
 */
export function junitOf(stories: readonly RunReport[]): string {
  const suites = stories.map((story) => ({ story, cases: unique(caseOf(story)) }));
  return xmlDocument({
    name: 'testsuites',
    attributes: {
      name: 'guard',
      ...countsOf(
        suites.flatMap(({ cases }) => cases),
        sum(stories.map(durationOf)),
      ),
    },
    children: suites.map(({ story, cases }) => suiteOf(story, cases)),
  });
}

function suiteOf(story: RunReport, cases: readonly TestCase[]): Element {
  const { target, record, output } = story;
  const began = record.events[0]?.at;
  return {
    name: 'testsuite',
    attributes: {
      name: commandTitle(target, 1000),
      ...countsOf(cases, durationOf(story)),
      ...(began === undefined ? {} : { timestamp: new Date(began).toISOString().slice(0, 19) }),
      ...(record.started === null ? {} : { hostname: neutralise(record.started.holder.host) }),
    },
    children: [
      { name: 'properties', children: propertiesOf(story) },
      ...cases.map((one) => elementOf(classOf(story), one)),
      ...(output === '' ? [] : [{ name: 'system-out', children: [safeLines(output, 500).join('\n')] }]),
    ],
  };
}

function propertiesOf({ target, state, outcome, record, facts }: RunReport): Element[] {
  const { started, ended } = record;
  const known = {
    instance: target.instance,
    ...(started === null ? {} : { project: started.project, version: started.version }),
    run: record.run,
    outcome: outcome === null ? state : outcomeName(outcome),
    ...(outcome?.outcome === 'waiting' ? { 'waiting-until': new Date(outcome.deadline).toISOString() } : {}),
    ...(ended === null ? {} : { 'exit-status': String(exitStatusOf(ended.outcome)) }),
    ...(facts.restorePoint === null ? {} : { 'restore-point': facts.restorePoint }),
  };
  return Object.entries(known).map(([name, value]) => ({
    name: 'property',
    attributes: { name, value: neutralise(value, 1000) },
  }));
}

function classOf({ target }: RunReport): string {
  return neutralise(`guard.${target.instance}`);
}

function elementOf(classname: string, { name, ms, bad }: TestCase): Element {
  return {
    name: 'testcase',
    attributes: { classname, name: neutralise(name), time: seconds(ms) },
    children:
      bad === null
        ? []
        : [
            {
              name: bad.as,
              attributes: {
                message: neutralise(bad.message, 2000),
                ...(bad.as === 'skipped' ? {} : { type: 'guard' }),
              },
              children: bad.as === 'skipped' ? [] : [safeLines(bad.text, 300).join('\n')],
            },
          ],
  };
}

function caseOf(story: RunReport): TestCase[] {
  const { outcome } = story;
  const cases = [outcomeCase(story, outcome), ...phaseCases(story), ...healthCases(story)];
  // What is wrong and did not decide is told in a kept run, and does not make it red.
  return isGood(outcome) || (outcome !== null && isUndecided(outcome)) ? cases.map(informational) : cases;
}

function informational(one: TestCase): TestCase {
  return one.bad === null ? one : { ...one, bad: { ...one.bad, as: 'skipped' } };
}

function outcomeCase(story: RunReport, outcome: Outcome | null): TestCase {
  const one = { name: 'outcome', ms: durationOf(story) };
  if (story.state === 'not-started') return { ...one, bad: findingText('skipped', 'Not started.') };
  if (outcome === null) return { ...one, bad: findingText('error', story.internalError ?? unfinished(story)) };
  if (isGood(outcome)) return { ...one, bad: null };
  const { headline, details } = summarizeOutcome(outcome, story.facts);
  return { ...one, bad: { as: severityOf(outcome), message: headline, text: [headline, ...details].join('\n') } };
}

/** A failure is the change's; an error means that the change was not tried, or that a person must look. */
function severityOf(event: Outcome): 'failure' | 'error' | 'skipped' {
  if (isUndecided(event)) return 'skipped';
  const { outcome } = event;
  return outcome === 'rolled-back' ||
    outcome === 'kept-unhealthy' ||
    outcome === 'kept-unchanged' ||
    outcome === 'rehearsal-failed'
    ? 'failure'
    : 'error';
}

function unfinished({ target }: RunReport): string {
  return `This run has not ended. If it was interrupted, \`guard recover ${target.instance}\` finishes it.`;
}

function phaseCases({ record, outcome }: RunReport): TestCase[] {
  return record.phases.map(({ phase, ended }) => {
    const name = `phase: ${phaseTitles[phase]}`;
    if (ended === null && phase === 'confirm' && outcome?.outcome === 'waiting')
      return { name, ms: 0, bad: findingText('skipped', 'The change waits for a confirmation.') };
    if (ended === null) return { name, ms: 0, bad: findingText('error', 'It did not end.') };
    return { name, ms: ended.ms, bad: ended.ok ? null : findingText('failure', ended.message) };
  });
}

function healthCases({ record }: RunReport): TestCase[] {
  return [
    ...(record.verdict === null
      ? record.checksBefore.map((check) => checkCase(check, 'before the command', check.severity === 'required'))
      : verdictCases(record.verdict.verdict, 'after the command')),
    ...(record.verdictAgain === null ? [] : verdictCases(record.verdictAgain.verdict, 'after the rollback')),
  ];
}

function verdictCases({ checks, reasons, advisories }: Verdict, when: string): TestCase[] {
  return [
    ...checks.map((check) =>
      checkCase(
        check,
        when,
        reasons.some(({ subject }) => subject === `check:${check.name}`),
      ),
    ),
    ...reasons.filter(isNoCheck).map((finding) => findingCase(finding, when, 'failure')),
    ...advisories.filter(isNoCheck).map((finding) => findingCase(finding, when, 'skipped')),
  ];
}

function isNoCheck({ subject }: Finding): boolean {
  return !subject.startsWith('check:');
}

function checkCase({ name, status, message, ms }: CheckResult, when: string, decides: boolean): TestCase {
  return {
    name: `check: ${name}, ${when}`,
    ms,
    bad:
      status === 'passed'
        ? null
        : findingText(decides ? (status === 'failed' ? 'failure' : 'error') : 'skipped', message),
  };
}

function findingCase({ subject, message }: Finding, when: string, as: 'failure' | 'skipped'): TestCase {
  return {
    name: `finding: ${subject}, ${when}`,
    ms: 0,
    bad: findingText(as, message),
  };
}

function findingText(as: 'failure' | 'error' | 'skipped', message: string): TestCase['bad'] {
  return {
    as,
    message,
    text: message,
  };
}

/** Readers take cases of one name for one. */
function unique(cases: readonly TestCase[]): TestCase[] {
  const seen = new Map<string, number>();
  return cases.map((one) => {
    const times = (seen.get(one.name) ?? 0) + 1;
    seen.set(one.name, times);
    return times === 1 ? one : { ...one, name: `${one.name} (${times})` };
  });
}

function countsOf(cases: readonly TestCase[], ms: number): Record<string, string | number> {
  const count = (as: 'failure' | 'error' | 'skipped'): number => cases.filter(({ bad }) => bad?.as === as).length;
  return {
    tests: cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    time: seconds(ms),
  };
}

function durationOf({ record }: RunReport): number {
  return record.ended?.ms ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function seconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}
