// The step itself. guard writes the outputs that it knows; this one adds what only the step knows.
import { appendFileSync } from 'node:fs';
import { guard } from './guard.mjs';
import { reportOf, wordsOf } from './inputs.mjs';

const { env } = process;
const note = (file, line) => {
  if (file) appendFileSync(file, `${line}\n`);
};

const status = await guard(wordsOf(env), env);
note(env.GITHUB_OUTPUT, `status=${status}`);
for (const path of reportOf(env)) note(env.GITHUB_OUTPUT, `report=${path}`);
// guard has come to its end: there is nothing for the step after the job to finish.
note(env.GITHUB_STATE, 'ended=yes');
process.exitCode = status;
