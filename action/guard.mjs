import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { withoutInputs } from './inputs.mjs';

const program = fileURLToPath(new URL('../dist/guard.cjs', import.meta.url));

/** Runs guard to its end and gives its exit status. A cancelled step's signals are guard's: it rolls the instance back. */
export const guard = (words, environment) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { stdio: 'inherit', env: withoutInputs(environment) });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      console.error(`guard could not be started: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (status, signal) => resolve(status ?? 128 + (constants.signals[signal] ?? 0)));
  });
