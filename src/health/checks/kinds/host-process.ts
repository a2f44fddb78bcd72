import type { Readable } from 'node:stream';
import type { Words } from '../../../check-definition.ts';
import type { Clock } from '../../../clock.ts';
import { err, ok, type Result } from '../../../result.ts';

export interface HostRequest {
  readonly command: Words;
  /** Added to guard's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Kills the process with its whole group. */
  readonly signal: AbortSignal;
  /** Bytes kept of each stream. */
  readonly maxBytes: number;
  /** What the command reads; nothing when left out. */
  readonly input?: string;
}

/** As in a shell, an end by a signal is 128 and its number. */
export interface HostAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command on this machine, in a process group of its own, without a shell. When it has ended,
 * or the signal aborts, whatever is left of the group is killed with SIGKILL. Fails when it could not be started.
 */
export async function runOnHost(request: HostRequest): Promise<Result<HostAnswer, string>> {
  const { execa } = await import('execa');
  const [file, ...parameters] = request.command;
  const child = execa(file, parameters, {
    env: request.environment,
    ...(request.input === undefined ? { stdin: 'ignore' as const } : { input: request.input }),
    reject: false,
    buffer: false,
    // A group of its own: killing it reaches children that the command left behind.
    detached: true,
    cleanup: false,
    stripFinalNewline: false,
  });
  const killGroup = (): void => killAll(child.pid);
  request.signal.addEventListener('abort', killGroup, { once: true });
  const stdout = collect(child.stdout, request.maxBytes);
  const stderr = collect(child.stderr, request.maxBytes);
  try {
    const exit = await Promise.race([exited(child), spawnFailure(child)]);
    if (!exit.ok) return exit;
    // A background child may hold the streams open for ever (F29): what came until now is enough.
    await Promise.race([Promise.all([stdout.ended, stderr.ended]), request.clock.sleep(lastOutputMs)]);
    return ok({ status: exit.value, stdout: stdout.text(), stderr: stderr.text() });
  } finally {
    request.signal.removeEventListener('abort', killGroup);
    killGroup();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** How long output is waited for after the end of the process. */
const lastOutputMs = 200;

interface Ending {
  readonly pid?: number | undefined;
  once: (event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void) => unknown;
}

async function exited(child: Ending): Promise<Result<number, string>> {
  const { constants } = await import('node:os');
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(ok(code ?? 128 + (signal ? constants.signals[signal] : 0))));
  });
}

async function spawnFailure(
  child: PromiseLike<{ readonly code?: string | undefined; readonly originalMessage?: string | undefined }> & Ending,
): Promise<Result<number, string>> {
  const end = await child;
  if (child.pid !== undefined) return new Promise(() => {});
  return err(end.code === 'ENOENT' ? 'there is no such command' : (end.originalMessage ?? 'it could not be started'));
}

function collect(stream: Readable, maxBytes: number): { ended: Promise<void>; text: () => string } {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < maxBytes) chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
  });
  const ended = new Promise<void>((resolve) => {
    stream.once('end', resolve);
    stream.once('close', resolve);
    stream.once('error', () => resolve());
  });
  return { ended, text: () => Buffer.concat(chunks).toString('utf8') };
}

function killAll(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The process group is empty.
  }
}
