import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { systemClock } from '../../src/clock.ts';
import { killDaemon, startDaemon, waitFor, type Host } from '../host/host.ts';
import type { Strike } from './ordeal.ts';

/** How a guard that was struck, or was not, came to its end. */
export interface GuardEnd {
  /** Null where it was killed. */
  readonly status: number | null;
  /** Its events, as `--json` wrote them. */
  readonly events: readonly { readonly type: string; readonly [key: string]: unknown }[];
  readonly stderr: string;
  /** The strike found it alive. */
  readonly struck: boolean;
  /** It was killed because it did not come to an end by itself. */
  readonly hung: boolean;
}

/** How long a guard may take that nobody disturbs any more, in milliseconds. */
const patienceMs = 150_000;

/** Starts guard, strikes at the moment, brings a killed daemon back, and waits for guard's end. */
export const runStruck = async (
  host: Host,
  guard: { readonly program: string; readonly stateDirectory: string },
  words: readonly string[],
  strike: Strike | null,
): Promise<GuardEnd> => {
  const process = execa('node', [guard.program, ...words], {
    stdin: 'ignore',
    env: { ...host.env, GUARD_STATE_DIR: guard.stateDirectory, XDG_CONFIG_HOME: guard.stateDirectory },
    reject: false,
  });
  let over = false;
  void process.then(() => (over = true));
  const struck = strike !== null && (await strikeAt(host, process, strike, () => over));
  let hung = false;
  const limit = setTimeout(() => (hung = process.kill('SIGKILL')), patienceMs);
  const { exitCode, stdout, stderr } = await process;
  clearTimeout(limit);
  return { status: exitCode ?? null, events: eventsOf(stdout), stderr, struck, hung };
};

interface Struck {
  readonly stdout: Readable;
  readonly kill: (signal: 'SIGKILL') => boolean;
}

const strikeAt = async (host: Host, process: Struck, strike: Strike, isOver: () => boolean): Promise<boolean> => {
  let said = '';
  process.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const { phase } = strike;
  if (phase !== null)
    await waitFor(() => isOver() || said.includes(`"type":"phase-started","phase":"${phase}"`), {
      limitMs: patienceMs,
      everyMs: 2,
    });
  await systemClock.sleep(strike.afterMs);
  if (isOver()) return false;
  if (strike.victim !== 'daemon') process.kill('SIGKILL');
  if (strike.victim === 'guard') return true;
  await killDaemon(host);
  await systemClock.sleep(strike.awayMs);
  await startDaemon(host);
  return true;
};

const eventsOf = (stdout: string): GuardEnd['events'] =>
  stdout.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as GuardEnd['events'][number]];
    } catch {
      return [];
    }
  });
