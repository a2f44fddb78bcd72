import type { AgentListener, Subject } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import { openRelay, type Relay } from './relay.ts';

/** Keeps the way to one instance open for as long as the instance runs. */
export interface RelayKeeper {
  /** Something happened to the instance: look again now. */
  readonly nudge: () => void;
  /** Closes the way for good. */
  readonly stop: () => Promise<void>;
}

/** Who listens to an instance. */
export interface RelayUser {
  readonly onLine: (line: string) => void;
  /** The way through which clients are answered now; null while there is none. */
  readonly onRelay: (relay: Relay | null) => void;
}

/** Milliseconds until the next try: an instance that ends its relay again and again is tried ever more rarely. */
const pauses = { first: 200, growth: 2, most: 30_000 } as const;

/** A relay that lived so long was no failure, in milliseconds. */
const livedMs = 10_000;

/** An instance that does not run is looked at so often even if no event tells of it, in milliseconds. */
const idlePollMs = 60_000;

/** Opens the way, and again whenever it is gone: after a start, a restore, a restart of the daemon. */
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
    // The same reason is told once.
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
    // What happened while it was heard has no news now.
    nudged = new AbortController();
    if (why === null) emit({ type: 'relay-closed', ...subject });
    else reportDown(why);
    pauseMs = clock.monotonic() - began >= livedMs ? pauses.first : longer(pauseMs);
  }
  async function keepOn(): Promise<void> {
    while (!over.signal.aborted) {
      // What happens while it is looked at may be what the look did not see: no pause follows then.
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
        // One that is just being stopped, or started, fails a few times.
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
