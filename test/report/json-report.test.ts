import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { fromJSONSchema } from 'zod';
import { jsonReportOf } from '../../src/report/json-report.ts';
import { createRunReportBuilder } from '../../src/report/run-report.ts';
import { eventsOfOutcomes, storyOf, target } from './example-reports.ts';
import { withoutRoom } from './exact-schema.ts';

type Json = Readonly<Record<string, unknown>> & { readonly $defs: Readonly<Record<string, unknown>> };

const read = async (name: string): Promise<Json> =>
  JSON.parse(await readFile(new URL(`../../schema/${name}`, import.meta.url), 'utf8')) as Json;

const published = await read('report.schema.json');
const schema = fromJSONSchema(withoutRoom(published) as Parameters<typeof fromJSONSchema>[0]);

const plain = (report: unknown): unknown => JSON.parse(JSON.stringify(report));

const killed = storyOf(eventsOfOutcomes.kept.slice(0, 4));
const waiting = createRunReportBuilder(target).report();

test.each([
  ...Object.entries(eventsOfOutcomes).map(([name, events]) => [name, storyOf(events)] as const),
  ['a guard that was killed', killed] as const,
  ['an instance whose turn did not come', waiting] as const,
])('the report of %s is as the schema says, field by field', (_name, story) => {
  expect(schema.safeParse(plain(jsonReportOf('0.1.0', [story]))).error).toBeUndefined();
});

test('a report without one of its fields is not', () => {
  const report = jsonReportOf('0.1.0', [storyOf(eventsOfOutcomes['rolled-back'])]);
  const [run] = report.runs;
  const unmissed = Object.keys(run ?? {}).filter((field) => {
    const rest = Object.fromEntries(Object.entries(run ?? {}).filter(([name]) => name !== field));
    return schema.safeParse(plain({ ...report, runs: [rest] })).success;
  });
  expect(unmissed).toEqual([]);
});

test('only an end that was seen has an outcome', () => {
  expect(
    jsonReportOf('0.1.0', [killed, waiting]).runs.map(({ state, outcome, exitStatus }) => [state, outcome, exitStatus]),
  ).toEqual([
    ['under-way', null, null],
    ['not-started', null, null],
  ]);
});

test('what it shares with the events of --json is described with the same words', async () => {
  const events = await read('events.schema.json');
  const { run: _, changes: __, ...shared } = published.$defs;
  expect(shared).toEqual(Object.fromEntries(Object.keys(shared).map((name) => [name, events.$defs[name]])));
});
