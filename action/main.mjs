// The step itself. guard writes the outputs that it knows; this one adds what only the step knows.
import { appendFileSync, readFileSync } from 'node:fs';
import { guard } from './guard.mjs';
import { reportOf, wordsOf } from './inputs.mjs';

const { env } = process;
const note = (file, line) => {
  if (file) appendFileSync(file, `${line}\n`);
};

/** Whether guard came to the point where it says how it ended. */
const hasOutput = (name) => {
  try {
    return new RegExp(`^${name}=`, 'm').test(readFileSync(env.GITHUB_OUTPUT, 'utf8'));
  } catch {
    return false;
  }
};

const status = await guard(wordsOf(env), env);
if (!hasOutput('status')) note(env.GITHUB_OUTPUT, `status=${status}`);
for (const path of reportOf(env)) note(env.GITHUB_OUTPUT, `report=${path}`);
// guard has come to its end: there is nothing for the step after the job to finish.
note(env.GITHUB_STATE, 'ended=yes');
process.exitCode = status;
