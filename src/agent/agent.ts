import type { AgentListener, Subject } from '../agent-event.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../clock.ts';
import type { Outcome } from '../event.ts';
import type { Lease } from '../run/lock/in-flight.ts';
import type { InspectHolder } from '../run/tools.ts';
import type { Result } from '../result.ts';
import { openHookSession } from './hook-session.ts';
import { keepRelay, type RelayUser } from './relay-keeper.ts';
import { watchInstances, formatServerProject, type ServerProject } from './instance-watcher.ts';
import { beginTransaction, type RunOrder } from './transaction-run.ts';
import { createTransactions, type Transactions } from './transactions.ts';

/** The dependencies of the agent. */
export interface AgentTools {
  readonly version: string;
  readonly clock: Clock;
  readonly emit: AgentListener;
  readonly inspectHolder: InspectHolder;
  /** The settings from guard.yaml, read now. A mistake in it is one sentence. */
  readonly settings: (subject: Subject) => Promise<Result<Settings, string>>;
  readonly run: (serverProject: ServerProject, instance: string, order: RunOrder) => Promise<Outcome>;
  /** Finishes the transactions of this project that an earlier agent left. */
  readonly recover: (serverProject: ServerProject) => Promise<void>;
  /** The package manager whose end a run still waits for; null for every other run. */
  readonly managerOf: (run: string) => Promise<number | null>;
  /** Whether the guard of a run has lost it, although its process lives. `lease` is that of the restore point in flight. */
  readonly hasLost: (run: string, lease: Lease | null) => Promise<boolean>;
  /** Aborts when the agent should stop. */
  readonly signal: AbortSignal;
}

/** What handles the requests of one instance. It outlives the relays of the instance, as its runs do. */
interface InstanceSession {
  readonly transactions: Transactions;
  readonly session: RelayUser;
}

/** How long the agent waits for runs when it stops, in milliseconds. The next agent finishes the rest. */
const lastRunsMs = 240_000;

/** The host side of the hooks: serves every hooked instance of the projects until the signal. */
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
  const { clock, emit, version, inspectHolder, managerOf, hasLost } = tools;
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
          hasLost,
          admit,
          run: (order) => tools.run(serverProject, instance, order),
        },
        settings,
        announcement,
      ),
  });
  return { transactions, session: openHookSession({ version, clock, emit, subject, transactions }) };
}
