import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import type { RunEvent } from '../../src/event.ts';
import { junitOf } from '../../src/report/junit.ts';
import { isGood, isUndecided } from '../../src/run/outcome.ts';
import { createRunReportBuilder } from '../../src/report/run-report.ts';
import { check, commandEnded, finding, recorded, started, verdict } from './example-events.ts';
import { ended, eventsOfOutcomes, storyOf, target } from './example-reports.ts';

const schema = await readFile(new URL('junit.xsd', import.meta.url), 'utf8');

/** What xmllint has against these documents. */
const mistakesOf = async (documents: readonly string[]): Promise<string[]> => {
  const xml = documents.map((contents, index) => ({ fileName: `${index}.xml`, contents }));
  const { errors } = await validateXML({ xml, schema: [schema], maxMemoryPages: 2048 });
  return errors.map(({ rawMessage }) => rawMessage);
};

/** As a reader of JUnit decides. */
const isGreen = (document: string): boolean =>
  !/<(failure|error)\b/.test(document) && !/ (failures|errors)="[1-9]/.test(document);

describe('a suite', () => {
  test.each(Object.entries(eventsOfOutcomes))(
    'of %s is valid, and green only if it is kept, passed its rehearsal, or is undecided',
    async (name, events) => {
      const document = junitOf([storyOf(events)]);
      expect(await mistakesOf([document])).toEqual([]);
      expect(isGreen(document)).toBe(['kept', 'rehearsal-passed', 'waiting', 'instance-gone'].includes(name));
    },
  );

  test('names which check failed and what it said', () => {
    const document = junitOf([storyOf(eventsOfOutcomes['rolled-back'])]);
    expect(document).toContain(
      '<testcase classname="guard.web" name="check: web, after the command" time="0.003">\n      <failure message="exit status 1"',
    );
    expect(document).toContain('name="check: web, after the rollback" time="0.003"/>');
    expect(document).toContain('message="pdns.service was running, has failed"');
    expect(document).toContain('name="finding: unit:pdns.service, after the command (2)"');
    expect(document).toContain('<property name="exit-status" value="11"/>');
  });

  test('of a kept run tells what failed before as well, and is not red for it', () => {
    const document = junitOf([storyOf(eventsOfOutcomes.kept)]);
    expect(document).toContain('name="check: slow, after the command" time="0.003">\n      <skipped');
    expect(document).toContain('<system-out>done</system-out>');
  });

  test('of a change that waits for its confirmation is skipped, and says so', () => {
    const document = junitOf([storyOf(eventsOfOutcomes.waiting)]);
    expect(document).toMatch(/name="outcome"[^>]*>\s*<skipped message="waiting: [^"]*unless it is confirmed/);
  });

  test('of a guard that was killed is red', async () => {
    const events = eventsOfOutcomes.kept.slice(0, 4);
    const document = junitOf([storyOf(events)]);
    expect(isGreen(document)).toBe(false);
    expect(document).toContain('guard recover web');
    expect(await mistakesOf([document])).toEqual([]);
  });

  test('of an instance whose turn did not come is neither', async () => {
    const waiting = createRunReportBuilder({ instance: 'db', command: ['true'] }).report();
    const document = junitOf([storyOf(eventsOfOutcomes['rolled-back']), waiting]);
    expect(document).toContain('classname="guard.db" name="outcome" time="0.000">\n      <skipped');
    expect(await mistakesOf([document])).toEqual([]);
  });

  test('of a run that ended and went on is not over', () => {
    const again = [...eventsOfOutcomes.kept, commandEnded({ kind: 'exited', status: 0 })];
    expect(isGreen(junitOf([storyOf(again)]))).toBe(false);
  });
});

test('is valid XML whatever the command, the checks and the findings say', async () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(']]>', '<x a="', '&amp;', '\u0000', '\ud800', '\ufffe', '\u001b[31m', '\r\n', '--><!--', ' '),
  );
  const events = fc
    .tuple(hostile, hostile, hostile, fc.uint8Array({ maxLength: 50 }))
    .map(([a, b, c, chunk]): RunEvent[] => [
      started({ command: [a, b] }),
      { type: 'command-output', stream: 'stdout', chunk },
      verdict('unhealthy', false, {
        checks: [{ ...check(a, 'failed'), message: b }],
        reasons: [{ ...finding(c), subject: b }],
      }),
      ended({ outcome: 'refused', refusal: { message: a, advice: c } }),
    ]);
  const documents = fc
    .sample(events, 300)
    .map((list) => junitOf([storyOf(list, { instance: 'a'.repeat(5), command: ['x\u0001'] })]));
  expect(await mistakesOf(documents)).toEqual([]);
});

// What the command wrote says nothing of how the run ended, whenever it comes.
test('is green if and only if the last word was "kept", that of a rehearsal that passed, or is undecided', () => {
  const one = fc.constantFrom(...Object.values(eventsOfOutcomes).flat());
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), (events) => {
      const last = events.findLast(({ type }) => type !== 'command-output');
      const kept = last?.type === 'run-ended' && (isGood(last.outcome) || isUndecided(last.outcome));
      const teller = createRunReportBuilder(target);
      teller.begin();
      for (const event of recorded(...events)) teller.listener(event);
      expect(isGreen(junitOf([teller.report()]))).toBe(kept);
    }),
  );
});
