import { hostname } from 'node:os';
import type { Notice } from '../config/notice.ts';
import type { Outcome, RecordedEvent } from '../event.ts';
import type { RecordedIdentity } from '../journal/instance-identity.ts';
import { consecutiveFailures } from '../journal/history.ts';
import { outcomeSummaryLines } from '../report/outcome-summary.ts';
import { noFacts, withEvent } from '../report/run-facts.ts';
import { exitStatusOf } from '../run/outcome.ts';
import type { Plan } from '../run/plan.ts';
import { stateDirectoryOf, type Context } from './context.ts';

/** Sends the notifications at the end of a run. */
export interface RunNotifier {
  /** Hears the run's events. */
  readonly onEvent: (event: RecordedEvent) => void;
  /** The end of the run in sentences, one a line. */
  readonly summary: (outcome: Outcome) => string;
  /** Sends the notifications. Returns a sentence for each that failed. Never rejects. */
  readonly notify: (notices: readonly Notice[], outcome: Outcome) => Promise<readonly string[]>;
}

/**
 * Sends the notifications of a run that may wait for a confirmation: of the wait when it begins, because somebody has to hear of
 * it, and of the end. `end` returns a sentence for each that failed.
 */
export function notifyWaitAndEnd(
  notifier: RunNotifier,
  notices: readonly Notice[],
): {
  readonly onEvent: (event: RecordedEvent) => void;
  readonly end: (outcome: Outcome) => Promise<readonly string[]>;
} {
  let deadline = 0;
  let ofWait: Promise<readonly string[]> | null = null;
  return {
    onEvent: (event) => {
      notifier.onEvent(event);
      if (event.type === 'confirmation-requested') deadline = event.deadline.at;
      // Only from here on it can be confirmed.
      if (event.type === 'phase-started' && event.phase === 'confirm')
        ofWait = notifier.notify(notices, { outcome: 'waiting', deadline });
    },
    end: async (outcome) => {
      const failed = (await ofWait) ?? [];
      return ofWait !== null && outcome.outcome === 'waiting'
        ? failed
        : [...failed, ...(await notifier.notify(notices, outcome))];
    },
  };
}

/** For one run. */
export function createRunNotifier(
  context: Pick<Context, 'clock' | 'environment'>,
  plan: Pick<Plan, 'run' | 'instance' | 'project' | 'remote' | 'command'>,
): RunNotifier {
  const { clock } = context;
  const began = clock.monotonic();
  let facts = noFacts(plan.run);
  let started: RecordedIdentity = plan;
  const summary = (outcome: Outcome): string => outcomeSummaryLines(outcome, facts).join('\n');
  return {
    onEvent: (event) => {
      facts = withEvent(facts, event);
      if (event.type === 'run-started') started = event;
    },
    summary,
    notify: async (notices, outcome) => {
      if (!notices.some(({ on }) => on.includes(outcome.outcome))) return [];
      const { run, instance, project, remote } = plan;
      const { sendNotices } = await import('../notify/notify.ts');
      const message = {
        v: 1,
        run,
        instance,
        project,
        remote,
        host: hostname(),
        outcome: outcome.outcome,
        cause: 'cause' in outcome ? outcome.cause : null,
        exitStatus: exitStatusOf(outcome),
        message: summary(outcome),
        command: plan.command.words,
        consecutiveFailures: await failuresInARow(context, started),
        ms: Math.round(clock.monotonic() - began),
      } as const;
      return sendNotices(notices, message, clock);
    },
  };
}

function failuresInARow(context: Pick<Context, 'environment'>, started: RecordedIdentity): Promise<number> {
  const { instance, project, remote, uuid = null, server = null } = started;
  const identity = { instance, project, remote, uuid, server, createdAt: null };
  return consecutiveFailures(stateDirectoryOf(context), identity).catch(() => 0);
}
