// The step itself. guard writes the outputs that it knows; this one adds what only the step knows.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guard } from './guard.mjs';
import { pageOf, reportOf, wordsOf } from './inputs.mjs';
import { outputsOf, readReport } from './outputs.mjs';

const { env } = process;
const folder = mkdtempSync(join(env.RUNNER_TEMP || tmpdir(), 'guard-'));
const report = join(folder, 'report.json');

const status = await guard(wordsOf(env, ['--report', `json=${report}`]), env);
const outputs = {
  ...outputsOf(readReport(report)),
  status,
  ...Object.fromEntries(reportOf(env).map((path) => ['report', path])),
  ...Object.fromEntries(pageOf(env).map((path) => ['page', path])),
};
rmSync(folder, { recursive: true });
const written = namesIn(env.GITHUB_OUTPUT);
for (const [name, value] of Object.entries(outputs))
  if (!written.has(name)) note(env.GITHUB_OUTPUT, `${name}=${String(value).replace(/\s+/g, ' ')}`);
// guard has come to its end: there is nothing for the step after the job to finish.
note(env.GITHUB_STATE, 'ended=yes');
process.exitCode = status;

function note(file, line) {
  if (file) appendFileSync(file, `${line}\n`);
}

/** The names of the outputs that are there already. */
function namesIn(file) {
  try {
    return new Set([...readFileSync(file, 'utf8').matchAll(/^([\w-]+)=/gm)].map(([, name]) => name));
  } catch {
    return new Set();
  }
}
