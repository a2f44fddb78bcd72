import type * as library from 'prom-client';
import type { Registry } from 'prom-client';
import type { AgentEvent, AgentListener, Subject } from '../agent-event.ts';
import type { Clock } from '../clock.ts';

/** The metrics of the agent, for Prometheus. */
export interface Metrics {
  readonly record: AgentListener;
  /** In the text format of Prometheus. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

const secondsOfRuns = [5, 10, 15, 30, 60, 120, 300, 900, 3600];
const secondsOfAnswers = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];

/** `lastKept` returns when a change of the instance was last kept before this agent started, in milliseconds since 1970. */
export async function createMetrics(options: {
  readonly version: string;
  readonly clock: Clock;
  readonly lastKept: (subject: Subject) => Promise<number | null>;
}): Promise<Metrics> {
  const loaded = await import('prom-client');
  const registry = new loaded.Registry();
  const { runs, durations, answers, confirmations, deadlines, lastKept, relays, servers, info } = instruments(
    loaded,
    registry,
  );
  info.set({ version: options.version }, 1);

  async function recall(subject: Subject): Promise<void> {
    const at = await options.lastKept(subject);
    if (at !== null) lastKept.set(labelsOf(subject), at / 1000);
  }
  /** By run: an instance that was renamed meanwhile has other labels. */
  const waiting = new Map<string, ReturnType<typeof labelsOf>>();
  function forgetDeadline(run: string): void {
    const labels = waiting.get(run);
    if (labels !== undefined) deadlines.remove(labels);
    waiting.delete(run);
  }
  function onMessage(event: AgentEvent): void {
    switch (event.type) {
      case 'relay-up':
        relays.set(labelsOf(event), 1);
        return void recall(event);
      case 'relay-down':
        return relays.set(labelsOf(event), 0);
      case 'relay-closed':
        return relays.remove(labelsOf(event));
      case 'server-connected':
        return servers.set({ server: event.server }, 1);
      case 'server-disconnected':
        return servers.set({ server: event.server }, 0);
      case 'transaction-answered':
        return answers.observe({ answer: event.reply.split(' ')[0] ?? '' }, event.ms / 1000);
      case 'transaction-ended':
        runs.inc({ outcome: event.outcome, ...labelsOf(event) });
        durations.observe({ outcome: event.outcome }, event.ms / 1000);
        if (event.outcome === 'kept') lastKept.set(labelsOf(event), options.clock.now() / 1000);
        return;
      case 'confirmation-waiting':
        forgetDeadline(event.run);
        waiting.set(event.run, labelsOf(event));
        return deadlines.set(labelsOf(event), event.deadline / 1000);
      case 'confirmation-ended':
        forgetDeadline(event.run);
        confirmations.inc({ outcome: event.outcome, ...labelsOf(event) });
        if (event.outcome === 'kept') lastKept.set(labelsOf(event), options.clock.now() / 1000);
        return;
      case 'agent-started':
      case 'agent-stopping':
      case 'agent-stopped':
      case 'transaction-announced':
      case 'agent-warning':
        return;
    }
  }
  return { record: onMessage, text: () => registry.metrics(), contentType: registry.contentType };
}

/** All metrics. */
function instruments({ Counter, Gauge, Histogram }: typeof library, registry: Registry) {
  const registers = [registry];
  return {
    runs: new Counter({
      name: 'guard_agent_runs_total',
      help: 'Runs requested by package managers, by outcome.',
      labelNames: ['outcome', ...subjectLabels],
      registers,
    }),
    durations: new Histogram({
      name: 'guard_agent_run_duration_seconds',
      help: 'Duration of runs, from the request of the package manager to the end of the run.',
      labelNames: ['outcome'],
      buckets: secondsOfRuns,
      registers,
    }),
    answers: new Histogram({
      name: 'guard_agent_answer_duration_seconds',
      help: 'Time that package managers waited for the answer, by the first word of the answer.',
      labelNames: ['answer'],
      buckets: secondsOfAnswers,
      registers,
    }),
    confirmations: new Counter({
      name: 'guard_agent_confirmations_total',
      help: 'Changes that waited for a confirmation, by outcome.',
      labelNames: ['outcome', ...subjectLabels],
      registers,
    }),
    deadlines: new Gauge({
      name: 'guard_agent_confirmation_deadline_timestamp_seconds',
      help: 'Time at which the waiting change of the instance is rolled back. Absent where nothing waits.',
      labelNames: subjectLabels,
      registers,
    }),
    lastKept: new Gauge({
      name: 'guard_agent_last_kept_timestamp_seconds',
      help: 'Time of the last kept change of the instance.',
      labelNames: subjectLabels,
      registers,
    }),
    relays: new Gauge({
      name: 'guard_agent_relay_up',
      help: 'Whether the agent receives requests from the instance.',
      labelNames: subjectLabels,
      registers,
    }),
    servers: new Gauge({
      name: 'guard_agent_server_up',
      help: 'Whether the agent receives the events of the server.',
      labelNames: ['server'],
      registers,
    }),
    info: new Gauge({
      name: 'guard_agent_info',
      help: 'The version of the agent.',
      labelNames: ['version'],
      registers,
    }),
  };
}

const subjectLabels = ['remote', 'project', 'instance'] as const;

function labelsOf({ remote, project, instance }: Subject) {
  return { remote: remote ?? '', project, instance };
}
