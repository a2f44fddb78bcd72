import { hostname } from 'node:os';
import type { Notice } from '../config/settings.ts';
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
