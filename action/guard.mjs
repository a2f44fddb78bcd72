import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { withoutInputs } from './inputs.mjs';

// A release's tag has the program here; in a checkout that was built it is in dist/.
const programs = ['dist/guard.cjs', '../dist/guard.cjs'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Runs guard to its end and gives its exit status. A cancelled step's signals are guard's: it rolls the instance back. */
export const guard = (words, environment) => {
  const program = programs.find((path) => existsSync(path));
  if (program === undefined) {
    console.error('::error title=guard::This ref has no built guard in it: use a release, for example @v0.1.0.');
    return Promise.resolve(70);
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { stdio: 'inherit', env: withoutInputs(environment) });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      console.error(`guard could not be started: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (status, signal) => resolve(status ?? 128 + (constants.signals[signal] ?? 0)));
  });
};
