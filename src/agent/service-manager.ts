import type { Clock } from '../clock.ts';

/** Tells systemd how the agent is, where systemd started it (sd_notify(3)). */
export interface ServiceManager {
  readonly ready: () => Promise<void>;
  readonly stopping: () => Promise<void>;
  /** Says that the agent lives, as often as systemd wants to hear it, until the signal. */
  readonly keepAlive: (signal: AbortSignal) => Promise<void>;
}

/**
 * The way is a datagram socket, which Node cannot open: systemd's own `systemd-notify` is asked to write to it, with
 * NotifyAccess=all in the unit. A message more or less is no reason to end.
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
      // A third of the time: two messages may be lost.
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

/** How often systemd wants to hear of the service, in milliseconds; null where it does not. */
function watchdogMs(environment: Readonly<Record<string, string | undefined>>): number | null {
  const microseconds = Number(environment['WATCHDOG_USEC'] ?? Number.NaN);
  const isForUs = environment['WATCHDOG_PID'] === undefined || environment['WATCHDOG_PID'] === String(process.pid);
  return isForUs && microseconds > 0 ? microseconds / 1000 : null;
}
