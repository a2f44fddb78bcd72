import type { Clock } from '../clock.ts';

/** Reports the state of the agent to systemd, if systemd started it (sd_notify(3)). */
export interface ServiceManager {
  readonly ready: () => Promise<void>;
  readonly stopping: () => Promise<void>;
  /** Sends watchdog messages in the interval that systemd requests, until the signal. */
  readonly keepAlive: (signal: AbortSignal) => Promise<void>;
}

/**
 * The protocol uses a datagram socket, which Node cannot open. `systemd-notify` writes to it, with
 * NotifyAccess=all in the unit. A lost message is not an error.
 */
export function serviceManager(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): ServiceManager {
  if (!environment['NOTIFY_SOCKET']) return { ready: nothing, stopping: nothing, keepAlive: nothing };
  const intervalMs = watchdogMs(environment);
  return {
    ready: () => say('--ready', `--pid=${process.pid}`),
    stopping: () => say('STOPPING=1'),
    keepAlive: async (signal) => {
      if (intervalMs === null) return;
      // A third of the interval, so that two messages may be lost.
      while (!signal.aborted) {
        await say('WATCHDOG=1');
        await clock.sleep(intervalMs / 3, signal);
      }
    },
  };
}

async function nothing(): Promise<void> {}

async function say(...words: string[]): Promise<void> {
  const { execa } = await import('execa');
  await execa('systemd-notify', words, { reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
}

/** The watchdog interval of systemd, in milliseconds; null without one. */
function watchdogMs(environment: Readonly<Record<string, string | undefined>>): number | null {
  const microseconds = Number(environment['WATCHDOG_USEC'] ?? Number.NaN);
  const isForUs = environment['WATCHDOG_PID'] === undefined || environment['WATCHDOG_PID'] === String(process.pid);
  return isForUs && microseconds > 0 ? microseconds / 1000 : null;
}
