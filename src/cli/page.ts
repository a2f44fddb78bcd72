import { basename, dirname, resolve } from 'node:path';
import { writeAtomically } from '../journal/durable.ts';
import type { RunRecord } from '../journal/runs.ts';
import type { RunPage } from '../report/page/run-page.ts';
import { tryFiles } from '../journal/file-failure.ts';
import type { Call } from './call.ts';
import { UsageMistake } from './usage.ts';

/** Options of the commands that write a page. */
export interface PageOptions {
  readonly html?: string;
  readonly open?: boolean;
}

/** What the page of a recorded run is made of. */
export async function pageOfRecord(record: RunRecord, version: string): Promise<RunPage> {
  const { readEvidence } = await import('../report/page/evidence-text.ts');
  const { reportOfRecord } = await import('../report/run-report.ts');
  return { report: reportOfRecord(record), evidence: readEvidence(record.evidence?.files ?? []), version };
}

/** Writes a page whole or not at all, readable as the umask allows, and opens it where that is wanted. */
export async function writePage(call: Call, page: string, { html = '', open }: PageOptions): Promise<void> {
  if (html === '') throw new UsageMistake('--html needs the name of a file.', 'Write --html FILE.');
  const file = resolve(call.context.workingDirectory, html);
  const written = await tryFiles(file, () => writeAtomically(dirname(file), basename(file), page, 0o666));
  if (!written.ok)
    throw new UsageMistake(`The page cannot be written: ${written.error}`, 'Name another file with --html.');
  if (open !== true) return;
  const { execa } = await import('execa');
  const opened = await execa('xdg-open', [file], {
    reject: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  if (opened.failed)
    throw new UsageMistake(
      `The page is written to "${html}", but xdg-open could not open it.`,
      'Open the file in a browser.',
    );
}
