import type { Settings } from '../config/settings.ts';
import type { Clock } from '../clock.ts';
import type { Result } from '../result.ts';
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts';
import type { Announcement } from './message-assembler.ts';
import { isWanted, withoutRestorePoint } from './hook-policy.ts';
import type { Reply } from './protocol.ts';
import type { TransactionRun } from './transaction-run.ts';

/** The transactions of one instance. One run at a time. */
export interface Transactions {
  /** The answer to the package manager, within `hook.timeout`. */
  readonly ask: (announcement: Announcement) => Promise<Reply>;
  readonly post: (status: number | null) => void;
  /** The relay of the instance is down. */
  readonly deaf: () => void;
  /** No client waits for an answer any more. Transactions that have not started are dropped. */
  readonly giveUp: () => void;
  /** Resolves when the current run has ended. */
  readonly idle: () => Promise<void>;
  readonly busy: () => boolean;
}

interface Tools {
  readonly clock: Clock;
  /** The settings from guard.yaml, read now. A mistake in it is one sentence. */
  readonly settings: () => Promise<Result<Settings, string>>;
  readonly begin: (settings: Settings, announcement: Announcement, admit: () => string | null) => TransactionRun;
}

/** The maximum number of waiting package managers of one instance. */
const mostWaiting = 16;

const hourMs = 3_600_000;

/** Does nothing before the first request. */
export function createTransactions(tools: Tools): Transactions {
  const { clock } = tools;
  let current: TransactionRun | null = null;
  const waiting = new Set<AbortController>();
  const hourly = createHourly(clock);

  function begin(settings: Settings, announcement: Announcement): TransactionRun {
    const most = settings.hook.mostAnHour;
    const admit = (): string | null => (hourly(most) ? null : `${most} runs in an hour is the limit.`);
    const run = tools.begin(settings, announcement, admit);
    current = run;
    void run.ended.then(() => (current === run ? (current = null) : null));
    return run;
  }
  async function decide(settings: Settings, announcement: Announcement, over: AbortSignal): Promise<Reply> {
    while (!over.aborted) {
      if (current === null) {
        const run = begin(settings, announcement);
        const giveUp = (): void => run.giveUp();
        over.addEventListener('abort', giveUp);
        return run.ready.finally(() => over.removeEventListener('abort', giveUp));
      }
      const joined = current.join(announcement.pid);
      if (joined !== null) {
        const reply = await joined;
        if (reply.kind === 'go' || reply.kind === 'go-already-guarded') return reply;
      }
      await Promise.race([current?.ended, aborted(over)]);
    }
    return withoutRestorePoint(settings.hook, 'The previous run has not ended yet.');
  }
  async function ask(announcement: Announcement): Promise<Reply> {
    const settings = await tools.settings();
    if (!settings.ok) return { kind: 'no', reason: settings.error };
    const { hook } = settings.value;
    if (!isWanted(hook, announcement)) return { kind: 'go-unguarded', reason: 'guard.yaml excludes this transaction.' };
    if (waiting.size >= mostWaiting) return withoutRestorePoint(hook, 'Too many package managers are waiting.');
    const over = new AbortController();
    const answered = new AbortController();
    waiting.add(over);
    try {
      const limit = clock.sleep(hook.timeoutMs, answered.signal).then((): Reply => {
        over.abort();
        return withoutRestorePoint(hook, `Creating the restore point took longer than ${hook.timeoutMs / 1000} s.`);
      });
      return await Promise.race([decide(settings.value, announcement, over.signal), limit]);
    } finally {
      waiting.delete(over);
      answered.abort();
    }
  }
  return {
    ask,
    post: (status) => current?.finished(status),
    deaf: () => current?.deaf(),
    giveUp: () => {
      for (const over of waiting) over.abort();
    },
    busy: () => current !== null,
    idle: async () => current?.ended,
  };
}

/** Whether another run is allowed in this hour. The limit may change with the configuration. */
function createHourly(clock: Clock): (most: number) => boolean {
  let budget: RateLimiter | null = null;
  let size = 0;
  return (most) => {
    if (budget === null || size !== most)
      budget = createRateLimiter(clock, { most, perSecond: (most * 1000) / hourMs });
    size = most;
    return budget.tryConsume(1);
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
