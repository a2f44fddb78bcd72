import { basename } from 'node:path';
import { statSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { readClocks } from '../journal/boot-clock.ts';
import { readRun, readText, type RunRecord } from '../journal/runs.ts';
import { runChangeLines } from '../report/run-changes.ts';
import { showRun, type EvidenceFile } from '../report/show.ts';
import { writeLines } from '../report/write.ts';
import { nearest } from '../text.ts';
import { stateDirectoryOf } from './context.ts';
import type { Call } from './call.ts';
import { pageOfRecord, writePage, type PageOptions } from './page.ts';
import { runNamed } from './run-named.ts';
import { UsageMistake } from './usage.ts';

interface ShowOptions extends PageOptions {
  readonly json?: boolean;
  readonly evidence?: string;
  readonly changes?: boolean;
}

/** `guard show`: one run. */
export function defineShow(program: Command, call: Call): void {
  program
    .command('show')
    .description('show one run: timeline, checks, what changed, evidence')
    .argument('<run>', "id of the run, its beginning, its last four characters, or 'last'")
    .option('--json', 'write the events of the run to stdout, one line of JSON each')
    .addOption(
      new Option('--html <file>', 'write the run as a page to this file').conflicts(['json', 'evidence', 'changes']),
    )
    .option('--open', 'open the page of --html in the browser')
    .addOption(new Option('--evidence <name>', 'print this evidence file of the run').conflicts(['json', 'changes']))
    .addOption(new Option('--changes', 'print what changed, as a diff from before to after').conflicts('json'))
    .addHelpText(
      'after',
      '\nExit status:\n    0  shown\n   64  no run has this id, or more than one id begins like this; or it has no such file',
    )
    .action(async (wanted: string, options: ShowOptions) => {
      const state = stateDirectoryOf(call.context);
      const record = await readRun(state, await runNamed(state, wanted));
      if (record === null) throw new UsageMistake(`The record of run "${wanted}" cannot be read.`, 'See `guard runs`.');
      if (record.events.length === 0)
        throw new UsageMistake(
          `The record of run ${record.run} is empty: guard could not write it, and refused the run.`,
          'See `guard runs` for other runs.',
        );
      if (options.html !== undefined) {
        await writePage(call, await pageOf(state, record, call.context.version), options);
        return;
      }
      await writeLines(call.context.stdout, shownLines(call.context, record, options));
    });
}

/** With the rehearsal of a run, or the run after a rehearsal, side by side. */
async function pageOf(state: string, record: RunRecord, version: string): Promise<string> {
  const { pairPage, runPage } = await import('../report/page/run-page.ts');
  const page = await pageOfRecord(record, version);
  const id = record.started?.rehearsedBy ?? record.started?.rehearsal?.before ?? null;
  const other = id === null ? null : await readRun(state, id);
  return other === null ? runPage(page) : pairPage(page, await pageOfRecord(other, version));
}

function shownLines(
  context: Call['context'],
  record: RunRecord,
  { json, evidence, changes }: ShowOptions,
): readonly string[] {
  if (json === true) return record.events.map((event) => JSON.stringify(event));
  if (changes === true) return runChangeLines(record.changes);
  const files = evidenceOf(record);
  if (evidence === undefined) return [showRun(record, files, readClocks(context.clock.now))];
  return [readEvidence(record, evidence, files)];
}

/** The files by their names: their folder says nothing to a person. */
function evidenceOf({ evidence }: RunRecord): EvidenceFile[] {
  return (evidence?.files ?? []).map((file) => ({
    name: basename(file),
    bytes: statSync(file, { throwIfNoEntry: false })?.size ?? null,
  }));
}

/** As it is: who asks for a file of evidence pipes it, or wants all of it. */
function readEvidence({ run, evidence }: RunRecord, name: string, files: readonly EvidenceFile[]): string {
  const names = files.map((file) => file.name);
  const path = evidence?.files.find((file) => basename(file) === name);
  if (path === undefined) {
    const near = nearest(name, names);
    throw new UsageMistake(
      `Run ${run} has no evidence named "${name}".`,
      names.length === 0
        ? 'It has none at all.'
        : near === null
          ? `There are: ${names.join(', ')}.`
          : `Did you mean ${near}?`,
    );
  }
  const text = readText(path);
  if (text === null)
    throw new UsageMistake(`"${name}" of run ${run} is not there any more.`, 'See `guard show` for the others.');
  return text.replace(/\n$/, '');
}
