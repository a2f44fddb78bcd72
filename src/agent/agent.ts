import type { AgentListener, Subject } from '../agent-event.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../clock.ts';
import type { Outcome } from '../event.ts';
import type { LookAtHolder } from '../run/tools.ts';
import type { Result } from '../result.ts';
import { openDesk } from './desk.ts';
import { keepRelay, type RelayUser } from './relay-keeper.ts';
import { followHooked, sayPlace, type Place } from './roster.ts';
import { beginTransaction, type RunOrder } from './transaction-run.ts';
import { createTransactions, type Transactions } from './transactions.ts';

/** What the agent works with. */
export interface AgentTools {
  readonly version: string;
  readonly clock: Clock;
  readonly tell: AgentListener;
  readonly lookAtHolder: LookAtHolder;
  /** As guard.yaml says at this moment; a mistake in it is one sentence. */
  readonly settings: (subject: Subject) => Promise<Result<Settings, string>>;
  readonly run: (place: Place, instance: string, order: RunOrder) => Promise<Outcome>;
  /** Finishes the transactions of the place that an agent before this one has left. */
  readonly recover: (place: Place) => Promise<void>;
  /** The process that a run has let go on, and whose end it still waits for; null for every other run. */
  readonly managerOf: (run: string) => Promise<number | null>;
  /** Aborts when the agent is to end. */
  readonly signal: AbortSignal;
}

/** Those who hear and answer one instance. They outlive its relays, as its runs do. */
interface Attended {
  readonly transactions: Transactions;
  readonly desk: RelayUser;
}

/** How long runs are waited for when the agent ends, in milliseconds: what is left then, the next agent finishes. */
const lastRunsMs = 240_000;

/** The host's side of the hooks: looks after every hooked instance of the places until the signal. */
export async function runAgent(places: readonly Place[], tools: AgentTools): Promise<void> {
  const { clock, signal, tell, version } = tools;
  tell({ type: 'agent-started', version, places: places.map(sayPlace) });
  const attended = new Map<string, Attended>();
  const follow = (place: Place): Promise<void> =>
    followHooked(place, {
      clock,
      tell,
      signal,
      onFollowed: () => void tools.recover(place),
      attend: (instance) => {
        const subject = { instance, project: place.project, remote: place.remote };
        const key = JSON.stringify(subject);
        const known = attended.get(key) ?? openAttended(place, subject, tools);
        attended.set(key, known);
        return keepRelay({ incus: place.incus, clock, tell }, subject, known.desk);
      },
    });
  const stopping = (): void =>
    tell({ type: 'agent-stopping', runs: [...attended.values()].filter((one) => one.transactions.busy()).length });
  signal.addEventListener('abort', stopping, { once: true });
  await Promise.all(places.map(follow));
  const idle = Promise.all([...attended.values()].map((one) => one.transactions.idle()));
  await Promise.race([idle, clock.sleep(lastRunsMs)]);
  tell({ type: 'agent-stopped' });
}

function openAttended(place: Place, subject: Subject, tools: AgentTools): Attended {
  const { clock, tell, version, lookAtHolder, managerOf } = tools;
  const { instance } = subject;
  const transactions = createTransactions({
    clock,
    settings: () => tools.settings(subject),
    begin: (settings, announcement, admit) =>
      beginTransaction(
        {
          incus: place.incus,
          clock,
          instance,
          lookAtHolder,
          managerOf,
          admit,
          run: (order) => tools.run(place, instance, order),
        },
        settings,
        announcement,
      ),
  });
  return { transactions, desk: openDesk({ version, clock, tell, subject, transactions }) };
}
