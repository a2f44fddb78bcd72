import type { CommandEnd } from '../../event.ts';
import type { Exec } from '../../platform/platform.ts';
import { describeFailure } from '../../platform/failure.ts';
import { beforeCommand, trueEnd, type BeforeCommand, type BootMark } from './instance-stop.ts';
import { createOutputTap, type OutputTap } from './output-tap.ts';
import type { Plan } from '../plan.ts';
import type { CommandIo, RunTools, Terminal } from '../tools.ts';

/** How long to wait for a killed command, in milliseconds. */
const killGraceMs = 5000;

/** How long a reader of the output may stop reading after the end of the command, in milliseconds. */
const handOnMs = 5000;

/** How the command ended, and the end of its output. */
export interface CommandReport {
  readonly end: CommandEnd;
  readonly ms: number;
  readonly tail: string;
  /** The person pressed Ctrl-C, and the command ended by that. */
  readonly isDeclined: boolean;
}

/** Runs the command in the instance within its limits, and determines how it ended. */
export async function runCommand(plan: Plan, tools: RunTools, boot: BootMark | null): Promise<CommandReport> {
  const began = tools.clock.monotonic();
  const tap = createOutputTap(tools.clock.monotonic);
  const keys = watchForCtrlC(tools.io);
  const end = await attempted(plan, tools, tap, boot, keys.begin);
  const isDeclined = keys.end() && end.kind === 'exited' && end.status === interruptStatus;
  return { end, ms: tools.clock.monotonic() - began, tail: tap.tail(), isDeclined };
}

/** 128 and the number of SIGINT, as shells say it. */
const interruptStatus = 130;

/** In raw mode Ctrl-C goes to the command inside as a key, and guard hears of no signal. */
function watchForCtrlC({ terminal, stdin }: CommandIo) {
  let pressed = false;
  const look = (bytes: Buffer | string): void => {
    if (Buffer.from(bytes).includes(0x03)) pressed = true;
  };
  return {
    /** Only once the command reads the keys: a listener of its own would take the first ones away from it. */
    begin: (): void => {
      if (terminal !== null) stdin?.on('data', look);
    },
    end: (): boolean => {
      stdin?.off('data', look);
      return pressed;
    },
  };
}

async function attempted(
  plan: Plan,
  tools: RunTools,
  tap: OutputTap,
  boot: BootMark | null,
  begun: () => void,
): Promise<CommandEnd> {
  const { io } = tools;
  // Raw mode before the first byte, so that early keys reach the command.
  const cooked = io.terminal?.raw() ?? noop;
  const ended = io.begin();
  try {
    const before = beforeCommand(tools.platform, plan.instance, boot);
    const started = await tools.platform.startExec(plan.instance, execRequest(plan, io.terminal), {
      stdin: io.stdin,
      stdout: tap.through(io.stdout, (chunk) => showOutput(tools, 'stdout', chunk)),
      stderr: tap.through(io.stderr, (chunk) => showOutput(tools, 'stderr', chunk)),
    });
    if (!started.ok) return { kind: 'lost', message: describeFailure(started.error) };
    begun();
    const unfollow = followSize(io.terminal, started.value);
    try {
      const end = await watched(plan, tools, started.value, tap.lastOutputAt, before);
      await handedOn(tools, tap);
      return end;
    } finally {
      unfollow();
    }
  } finally {
    ended();
    cooked();
  }
}

/** The last bytes reach their reader and the tail before the end of the command is reported. */
async function handedOn(tools: RunTools, tap: OutputTap): Promise<void> {
  const over = new AbortController();
  await Promise.race([tap.end(), tools.clock.sleep(handOnMs, over.signal)]);
  over.abort();
}

function execRequest(plan: Plan, terminal: Terminal | null) {
  return {
    command: plan.command.words,
    environment: {
      ...(terminal ? { TERM: terminal.kind } : unattended),
      ...plan.command.environment,
      // Identifies processes that the command left behind (docs/internals/incus.md, Exec), and tells package hooks that a run is in progress.
      GUARD_RUN: plan.run,
    },
    user: plan.command.user,
    group: plan.command.group,
    cwd: plan.command.cwd,
    terminal: terminal ? terminal.size() : null,
  };
}

/** Keeps package managers from prompting without a terminal (F25). */
const unattended = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'a' };

function followSize(terminal: Terminal | null, exec: Exec): () => void {
  return (
    terminal?.onResize(() => {
      const { columns, rows } = terminal.size();
      exec.resize(columns, rows);
    }) ?? noop
  );
}

function showOutput(tools: RunTools, stream: 'stdout' | 'stderr', chunk: Buffer): void | Promise<void> {
  return tools.recorder.show({ type: 'command-output', stream, chunk });
}

/** Waits for the end within the limits. The time without output counts from `lastSeenAt`. */
export async function watched(
  plan: Plan,
  tools: RunTools,
  exec: Exec,
  lastSeenAt: () => number,
  before: BeforeCommand,
): Promise<CommandEnd> {
  const over = new AbortController();
  try {
    const first = await Promise.race([
      exec.ended,
      overallLimit(plan, tools, over.signal),
      silenceLimit(plan, tools, lastSeenAt, over.signal),
      interrupted(tools, over.signal),
    ]);
    if ('ok' in first) return await trueEnd(plan, tools, first, before);
    exec.signal(9);
    await Promise.race([exec.ended, tools.clock.sleep(killGraceMs, over.signal)]);
    exec.abandon();
    return first;
  } finally {
    over.abort();
  }
}

async function overallLimit(plan: Plan, tools: RunTools, over: AbortSignal): Promise<CommandEnd> {
  const limitMs = plan.limits.commandMs;
  if (limitMs === null) return never();
  await tools.clock.sleep(limitMs, over);
  return { kind: 'timeout', limitMs };
}

async function silenceLimit(
  plan: Plan,
  tools: RunTools,
  lastSeenAt: () => number,
  over: AbortSignal,
): Promise<CommandEnd> {
  const limitMs = plan.limits.idleMs;
  if (limitMs === null) return never();
  for (;;) {
    const leftMs = lastSeenAt() + limitMs - tools.clock.monotonic();
    if (leftMs <= 0 || over.aborted) return { kind: 'idle-timeout', limitMs };
    await tools.clock.sleep(leftMs, over);
  }
}

async function interrupted({ interruption }: RunTools, over: AbortSignal): Promise<CommandEnd> {
  await new Promise<void>((resolve) => {
    if (interruption.signal.aborted) resolve();
    interruption.signal.addEventListener('abort', () => resolve(), { signal: over });
  });
  return { kind: 'interrupted', signal: interruption.by() ?? 'SIGTERM' };
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

function noop(): void {}
