import { PassThrough } from 'node:stream';
import type { Context } from '../../src/cli/context.ts';
import { systemClock } from '../../src/clock.ts';
import { createInterrupter } from '../../src/run/interruption.ts';

/** What guard runs in, with everything that it keeps in one folder; and what it printed since the last question. */
export function contextIn(folder: string, reach: Context['reach'], environment: Context['environment'] = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const interrupter = createInterrupter();
  const context: Context = {
    version: '0',
    commit: 'none',
    environment: { GUARD_STATE_DIR: folder, XDG_CONFIG_HOME: folder, HOME: folder, ...environment },
    workingDirectory: folder,
    clock: systemClock,
    readHookPart: () => Promise.reject(new Error('no hook')),
    interrupter,
    stdin: new PassThrough(),
    stdout,
    stderr,
    reach,
  };
  return {
    context,
    interrupter,
    said: () => String(stderr.read() ?? ''),
    printed: () => String(stdout.read() ?? ''),
  };
}
