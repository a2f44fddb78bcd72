import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { formatStack } from './internal-error.ts';
import { systemClock } from './clock.ts';
import type { Context } from './cli/context.ts';
import { isInForeground } from './cli/foreground.ts';
import type { Signal } from './event.ts';
import { readProgramFile } from './program-files.ts';
import { createInterrupter, type Interrupter } from './run/interruption.ts';

declare const GUARD_VERSION: string;
declare const GUARD_COMMIT: string;

/** Wires the program to the process: streams, signals, adapters, exit status. The only file that imports every adapter. */
async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const interrupter = createInterrupter();
  listenForSignals(interrupter);
  const { runProgram } = await import('./cli/program.ts');
  process.exitCode = await runProgram(argv, contextOf(interrupter), isWhole(argv));
  await flushed();
  // Something that keeps the event loop alive (an idle connection, a reader on stdin) must not keep a finished run.
  process.exit();
}

const signals: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** They stay until the end: a second signal must not break a rollback. */
function listenForSignals(interrupter: Interrupter): void {
  for (const signal of signals) process.on(signal, () => interrupter.interrupt(signal));
  // A terminal or a reader that went away must not end a rollback.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** Node puts U+FFFD in the place of bytes that are not UTF-8: then the argument is not what was typed. */
function isWhole(argv: readonly string[]): boolean {
  return !argv.some((word) => word.includes('\uFFFD')) || isUtf8(readFileSync('/proc/self/cmdline'));
}

/** A working directory that was deleted is an empty one: the kernel's own link to it leads to nothing. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/proc/self/cwd';
  }
}

function contextOf(interrupter: Interrupter): Context {
  return {
    version: GUARD_VERSION,
    commit: GUARD_COMMIT,
    environment: process.env,
    workingDirectory: workingDirectory(),
    clock: systemClock,
    readHookPart: (source) => readProgramFile(`hooks/${source}`),
    interrupter,
    foreground: isInForeground(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    reach: async (instance, project, watch) => {
      const { reach } = await import('./platform/incus/remote/reach.ts');
      return reach({ environment: process.env, clock: systemClock, instance, project, ...(watch ? { watch } : {}) });
    },
  };
}

async function flushed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => {
      if (stream.writableLength === 0 || stream.destroyed) resolve();
      else stream.write('', () => resolve());
    });
}

main().catch((bug: unknown) => {
  process.stderr.write(`guard: this is a bug in guard: ${formatStack(bug)}\n`);
  process.exit(70);
});
