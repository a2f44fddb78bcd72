import type { AgentListener, Subject } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import { openRelay, type Relay } from './relay.ts';

/** Keeps the relay of one instance open while the instance runs. */
export interface RelayKeeper {
  /** The state of the instance may have changed: check it now. */
  readonly nudge: () => void;
  /** Closes the relay permanently. */
  readonly stop: () => Promise<void>;
}

/** The receiver of the lines of an instance. */
export interface RelayUser {
  readonly onLine: (line: string) => void;
  /** The current relay for answers; null while there is none. */
  readonly onRelay: (relay: Relay | null) => void;
}

/** Pauses before the next attempt, in milliseconds. They grow for an instance that keeps ending its relay. */
const pauses = { first: 200, growth: 2, most: 30_000 } as const;

/** A relay that lasted this long counts as success, in milliseconds. */
const livedMs = 10_000;

/** How often to check a stopped instance without events, in milliseconds. */
const idlePollMs = 60_000;

/** Opens the relay, and opens it again after a start, a restore or a restart of the daemon. */
export function keepRelay(
  tools: { readonly platform: Platform; readonly clock: Clock; readonly emit: AgentListener },
  subject: Subject,
  user: RelayUser,
): RelayKeeper {
  const { clock, emit } = tools;
  const over = new AbortController();
  let nudged = new AbortController();
  let pauseMs: number = pauses.first;
  let down = '';
  let failures = 0;

  async function pause(ms: number): Promise<void> {
    if (!over.signal.aborted) await clock.sleep(ms, nudged.signal);
  }
  function reportDown(message: string): void {
    // The same reason is reported once.
    if (message !== down) emit({ type: 'relay-down', ...subject, message });
    down = message;
  }
  async function useRelay(relay: Relay): Promise<void> {
    const began = clock.monotonic();
    down = '';
    emit({ type: 'relay-up', ...subject });
    user.onRelay(relay);
    const stopped = new Promise<null>((resolve) => {
      if (over.signal.aborted) resolve(null);
      over.signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    const why = await Promise.race([relay.ended, stopped]);
    user.onRelay(null);
    await relay.close();
    // Events from the time when the relay was open are outdated.
    nudged = new AbortController();
    if (why === null) emit({ type: 'relay-closed', ...subject });
    else reportDown(why);
    pauseMs = clock.monotonic() - began >= livedMs ? pauses.first : longer(pauseMs);
  }
  async function keepOn(): Promise<void> {
    while (!over.signal.aborted) {
      // An event during the check may be newer than its result, so no pause follows.
      nudged = new AbortController();
      const seen = await tools.platform.getInstance(subject.instance);
      if (!seen.ok || seen.value.status !== 'Running') {
        await pause(seen.ok ? idlePollMs : (pauseMs = longer(pauseMs)));
        continue;
      }
      const relay = await openRelay(tools, subject.instance, user.onLine);
      failures = relay.ok ? 0 : failures + 1;
      if (relay.ok) await useRelay(relay.value);
      else {
        // An instance that is being stopped or started fails a few times.
        if (failures > 3) reportDown(relay.error);
        pauseMs = longer(pauseMs);
      }
      await pause(pauseMs);
    }
  }
  const ended = keepOn();
  return {
    nudge: () => nudged.abort(),
    stop: async () => {
      over.abort();
      nudged.abort();
      await ended;
    },
  };
}

function longer(ms: number): number {
  return Math.min(ms * pauses.growth, pauses.most);
}
