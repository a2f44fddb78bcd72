import type { AgentListener, Subject } from '../agent-event.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../clock.ts';
import type { Outcome } from '../event.ts';
import type { InspectHolder } from '../run/tools.ts';
import type { Result } from '../result.ts';
import { openHookSession } from './hook-session.ts';
import { keepRelay, type RelayUser } from './relay-keeper.ts';
import { watchInstances, formatServerProject, type ServerProject } from './instance-watcher.ts';
import { beginTransaction, type RunOrder } from './transaction-run.ts';
import { createTransactions, type Transactions } from './transactions.ts';

/** What the agent works with. */
export interface AgentTools {
  readonly version: string;
  readonly clock: Clock;
  readonly emit: AgentListener;
  readonly inspectHolder: InspectHolder;
  /** As guard.yaml says at this moment; a mistake in it is one sentence. */
  readonly settings: (subject: Subject) => Promise<Result<Settings, string>>;
  readonly run: (serverProject: ServerProject, instance: string, order: RunOrder) => Promise<Outcome>;
  /** Finishes the transactions of the place that an agent before this one has left. */
  readonly recover: (serverProject: ServerProject) => Promise<void>;
  /** The process that a run has let go on, and whose end it still waits for; null for every other run. */
  readonly managerOf: (run: string) => Promise<number | null>;
  /** Aborts when the agent is to end. */
  readonly signal: AbortSignal;
}

/** Those who hear and answer one instance. They outlive its relays, as its runs do. */
interface InstanceSession {
  readonly transactions: Transactions;
  readonly session: RelayUser;
}

/** How long runs are waited for when the agent ends, in milliseconds: what is left then, the next agent finishes. */
const lastRunsMs = 240_000;

/** The host's side of the hooks: looks after every hooked instance of the places until the signal. */
export async function runAgent(serverProjects: readonly ServerProject[], tools: AgentTools): Promise<void> {
  const { clock, signal, emit, version } = tools;
  emit({ type: 'agent-started', version, servers: serverProjects.map(formatServerProject) });
  const attended = new Map<string, InstanceSession>();
  const follow = (serverProject: ServerProject): Promise<void> =>
    watchInstances(serverProject, {
      clock,
      emit,
      signal,
      onFollowed: () => void tools.recover(serverProject),
      handle: (instance) => {
        const subject = { instance, project: serverProject.project, remote: serverProject.remote };
        const key = JSON.stringify(subject);
        const known = attended.get(key) ?? openInstanceSession(serverProject, subject, tools);
        attended.set(key, known);
        return keepRelay({ platform: serverProject.platform, clock, emit }, subject, known.session);
      },
    });
  const stopping = (): void =>
    emit({ type: 'agent-stopping', runs: [...attended.values()].filter((one) => one.transactions.busy()).length });
  signal.addEventListener('abort', stopping, { once: true });
  await Promise.all(serverProjects.map(follow));
  const idle = Promise.all([...attended.values()].map((one) => one.transactions.idle()));
  await Promise.race([idle, clock.sleep(lastRunsMs)]);
  emit({ type: 'agent-stopped' });
}

function openInstanceSession(serverProject: ServerProject, subject: Subject, tools: AgentTools): InstanceSession {
  const { clock, emit, version, inspectHolder, managerOf } = tools;
  const { instance } = subject;
  const transactions = createTransactions({
    clock,
    settings: () => tools.settings(subject),
    begin: (settings, announcement, admit) =>
      beginTransaction(
        {
          platform: serverProject.platform,
          clock,
          instance,
          inspectHolder,
          managerOf,
          admit,
          run: (order) => tools.run(serverProject, instance, order),
        },
        settings,
        announcement,
      ),
  });
  return { transactions, session: openHookSession({ version, clock, emit, subject, transactions }) };
}
