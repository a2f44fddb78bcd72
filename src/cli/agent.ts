import { Option, type Command } from 'commander';
import type { AgentEvent, AgentListener, Subject } from '../agent-event.ts';
import { runAgent } from '../agent/agent.ts';
import type { Metrics } from '../agent/metrics.ts';
import type { MetricsAddress } from '../agent/metrics-address.ts';
import type { ServerProject } from '../agent/instance-watcher.ts';
import { serviceManager } from '../agent/service-manager.ts';
import { acquireAgentLock, type NoAgentLock } from '../agent/agent-lock.ts';
import { answerOnSocket } from '../agent/agent-socket.ts';
import type { Settings } from '../config/settings.ts';
import type { Outcome } from '../event.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { adviceForRecords } from '../journal/file-failure.ts';
import { inspectHolder } from '../journal/holder.ts';
import { listRunsOf } from '../journal/run-index.ts';
import { isLost, readRun, type RunRecord } from '../journal/runs.ts';
import { createAgentLog } from '../report/agent-log.ts';
import { err, ok, type Result } from '../result.ts';
import type { Lease } from '../run/lock/in-flight.ts';
import { recoveries } from './agent-recovery.ts';
import { runTransaction } from './agent-run.ts';
import { pruneOldRecords } from './prune-records.ts';
import type { Call } from './call.ts';
import { keepDeadlines } from './confirmation-keeper.ts';
import { addressOf, identityOfReached } from './identity.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { resolveSettings } from './resolve-settings.ts';
import { metricsAddress, repeated } from './values.ts';

const help = `
The agent serves every instance that has the hook (\`guard hook install\`), until it receives INT, TERM or HUP. It reads
guard.yaml again for each transaction. hooks/systemd/guard-agent.service runs it as a service.

Exit status:
    0  the agent was stopped by a signal
   30  the server could not be reached, or the metrics could not be served
   31  another agent uses the same state directory
   64  the command line is wrong`;

interface AgentOptions {
  readonly project?: readonly string[];
  readonly config?: string;
  readonly json?: boolean;
  readonly metrics?: MetricsAddress;
}

/** `guard agent`: the host's side of the package-manager hooks. */
export function defineAgent(program: Command, call: Call): void {
  program
    .command('agent')
    .description('run the agent, which guards the changes of package managers inside instances')
    .argument(
      '[remote...]',
      'remotes, each followed by a colon (default: the default remote of the incus or lxc command)',
    )
    .option('--project <name>', 'serve this project (repeatable)', repeated)
    .option('--config <file>', 'read this guard.yaml (default: ./guard.yaml, then the user’s, then the system’s)')
    .addOption(
      new Option('--metrics <address>', 'serve metrics for Prometheus: 9469, [::1]:9469 or unix:/path').argParser(
        metricsAddress,
      ),
    )
    .option('--json', 'write events to stdout, one line of JSON each')
    .addHelpText('after', help)
    .action(async (remotes: readonly string[], options: AgentOptions) => {
      call.exit(await agentOf(call.context, remotes, options));
    });
}

function withoutLock({ kind, message }: NoAgentLock): Outcome {
  return kind === 'taken'
    ? { outcome: 'busy', refusal: { message, advice: 'Stop it first, or set GUARD_STATE_DIR to another folder.' } }
    : { outcome: 'refused', refusal: { message, advice: adviceForRecords(message) } };
}

async function agentOf(context: Context, remotes: readonly string[], options: AgentOptions): Promise<number> {
  const json = options.json ?? false;
  const lock = await acquireAgentLock(stateDirectoryOf(context));
  if (!lock.ok) return reportOutcome(context, json, withoutLock(lock.error));
  const reached = await reachAll(context, remotes, options.project ?? [null]);
  if (!reached.ok) return reportOutcome(context, json, reached.error);
  const served = await openMetrics(context, options.metrics ?? null);
  if (!served.ok)
    return reportOutcome(context, json, {
      outcome: 'refused',
      refusal: { message: served.error, advice: 'Choose another address with --metrics.' },
    });
  await workFor(context, reached.value, options, served.value.onEvent);
  await served.value.close();
  await closeAll(reached.value);
  await lock.value.release();
  return 0;
}

/** How old the last look at the waiting runs may be in an agent that keeps deadlines, in milliseconds. */
const staleMs = 10_000;

async function workFor(
  context: Context,
  reached: readonly InstanceConnection[],
  options: AgentOptions,
  count: AgentListener,
): Promise<void> {
  const { version, clock, interrupter, stdout, stderr } = context;
  const { signal } = interrupter;
  const log = createAgentLog({ stdout, stderr, json: options.json ?? false, clock });
  const service = serviceManager(context.environment, clock);
  const isReady = readiness(reached.length);
  function emit(event: AgentEvent): void {
    log(event);
    count(event);
    if (event.type === 'agent-stopping') void service.stopping();
    if (isReady(event)) void service.ready();
  }
  const settings = (subject: Subject): Promise<Result<Settings, string>> => settingsNow(context, subject, options);
  const ended = new AbortController();
  const alive = service.keepAlive(ended.signal);
  let keptAt = clock.monotonic();
  const onRound = (): void => void (keptAt = clock.monotonic());
  const socket = await answerOnSocket(stateDirectoryOf(context), () => clock.monotonic() - keptAt < staleMs);
  if (!socket.ok)
    emit({
      type: 'agent-warning',
      message: `${socket.error} So guard refuses changes with --confirm: it cannot tell that this agent keeps deadlines.`,
    });
  const deadlines = keepDeadlines(context, { signal, emit, onRound, config: options.config });
  await runAgent(reached.map(serverProjectOf), {
    version,
    clock,
    emit,
    inspectHolder,
    signal,
    settings,
    managerOf: (run) => managerOf(context, run),
    hasLost: async (run, lease) => {
      const record = await readRun(stateDirectoryOf(context), run);
      return record !== null && (isLost(record) || isTakenOver(record, lease));
    },
    run: async (serverProject, instance, order) => {
      const outcome = await runTransaction(context, emit, serverProject, instance, order);
      const connection = reached.find(({ platform }) => platform === serverProject.platform);
      if (outcome.outcome === 'kept' && connection !== undefined) await pruneOldRecords(context, connection);
      return outcome;
    },
    recover: recoveries(context, { emit, settings, config: options.config ?? null }),
  });
  ended.abort();
  await Promise.all([alive, deadlines]);
  if (socket.ok) await socket.value.close();
}

/** Another host has written a lease of its own. The guard of the run learns that only when it renews its lease. */
function isTakenOver(record: RunRecord, lease: Lease | null): boolean {
  return lease !== null && record.lease !== null && record.lease !== lease.base;
}

async function managerOf(context: Context, run: string): Promise<number | null> {
  const record = await readRun(stateDirectoryOf(context), run);
  // Otherwise it is released: no package manager was allowed to continue.
  return record?.commandBegan === true && record.decided === null ? (record.started?.transaction?.pid ?? null) : null;
}

/** True once: when of every place is known whether it can be followed. An Incus that starts later is followed then. */
function readiness(serverProjects: number): (event: AgentEvent) => boolean {
  const known = new Set<string>();
  return (event) => {
    if (event.type !== 'server-connected' && event.type !== 'server-disconnected') return false;
    const before = known.size;
    known.add(event.server);
    return known.size > before && known.size === serverProjects;
  };
}

async function openMetrics(
  context: Context,
  address: MetricsAddress | null,
): Promise<Result<{ readonly onEvent: AgentListener; readonly close: () => Promise<void> }, string>> {
  if (address === null) return ok({ onEvent: () => {}, close: async () => {} });
  const { createMetrics } = await import('../agent/metrics.ts');
  const { serveMetrics } = await import('../agent/metrics-server.ts');
  const { version, clock } = context;
  const lastKept = (subject: Subject): Promise<number | null> => lastKeptRun(context, subject);
  const metrics: Metrics = await createMetrics({ version, clock, lastKept });
  const server = await serveMetrics(metrics, address);
  return server.ok ? ok({ onEvent: metrics.record, close: server.value.close }) : server;
}

/** How far back a kept run is looked for, in runs. */
const mostRuns = 100;

async function lastKeptRun(context: Context, { instance, project, remote }: Subject): Promise<number | null> {
  const reached = await context.reach(addressOf({ instance, remote }), project);
  if (!reached.ok) return null;
  const identity = await identityOfReached(reached.value);
  await reached.value.close();
  const runs = await listRunsOf(stateDirectoryOf(context), identity, mostRuns);
  return runs.find(({ ended }) => ended?.outcome.outcome === 'kept')?.ended?.at ?? null;
}

/** Reads guard.yaml each time, so that changes apply to the next transaction. */
async function settingsNow(
  context: Context,
  { instance, remote }: Subject,
  { config }: AgentOptions,
): Promise<Result<Settings, string>> {
  const options = config === undefined ? {} : { config };
  const settings = await resolveSettings(context, { name: instance, remote }, options, false);
  if (settings.ok) return settings;
  const { error } = settings;
  return err('refusal' in error ? `guard.yaml on the host: ${error.refusal.message}` : error.outcome);
}

/** Every remote with every project. All or none. */
async function reachAll(
  context: Context,
  remotes: readonly string[],
  projects: readonly (string | null)[],
): Promise<Result<InstanceConnection[], Outcome>> {
  const reached: InstanceConnection[] = [];
  for (const remote of remotes.length === 0 ? [''] : remotes)
    for (const project of projects) {
      const name = remote === '' ? anyInstance : `${remote.replace(/:$/, '')}:${anyInstance}`;
      const one = await context.reach(name, project);
      if (!one.ok) {
        await closeAll(reached);
        return err({ outcome: 'refused', refusal: one.error });
      }
      reached.push(one.value);
    }
  return ok(reached);
}

/** An address names an instance; here only what stands before it counts. */
const anyInstance = 'any';

async function closeAll(reached: readonly InstanceConnection[]): Promise<void> {
  for (const one of reached) await one.close();
}

function serverProjectOf({ platform, project, remote }: InstanceConnection): ServerProject {
  return { platform, project, remote };
}
