import type { Writable } from 'node:stream';
import type { AgentEvent, AgentListener, Subject } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import { formatTime } from '../time.ts';

/** Shows what the agent does: plain lines for a log, or one event a line with `--json`. The time is the log's own business. */
export function createAgentLog(options: {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly json: boolean;
  readonly clock: Clock;
}): AgentListener {
  return options.json
    ? (event) => void options.stdout.write(`${JSON.stringify({ v: 1, at: options.clock.now(), ...event })}\n`)
    : (event) => void options.stderr.write(`guard agent: ${sentence(event)}\n`);
}

function sentence(event: AgentEvent): string {
  switch (event.type) {
    case 'agent-started':
      return `${event.version}, looks after ${event.servers.join(', ')}`;
    case 'agent-stopping':
      return event.runs === 0 ? 'ends' : `ends when ${event.runs} ${event.runs === 1 ? 'run has' : 'runs have'} ended`;
    case 'agent-stopped':
      return 'has ended';
    case 'server-disconnected':
      return `${event.server}: lost. ${event.message}`;
    case 'server-connected':
      return `${event.server}: followed`;
    case 'relay-up':
      return `${named(event)}: heard`;
    case 'relay-down':
      return `${named(event)}: not heard: ${event.message}`;
    case 'relay-closed':
      return `${named(event)}: not heard any more`;
    case 'transaction-announced':
      return `${named(event)}: ${event.manager} asks${event.packages === null ? '' : ` (packages: ${event.packages})`}: ${event.command.trim() || 'unknown command'}`;
    case 'transaction-answered':
      return `${named(event)}: ${answered(event.reply)} (after ${Math.round(event.ms)} ms)`;
    case 'transaction-ended':
      return `${named(event)}: ${event.outcome} (run ${event.run})`;
    case 'confirmation-waiting':
      return `${named(event)}: run ${event.run} waits for a confirmation until ${formatTime(event.deadline)}`;
    case 'confirmation-ended':
      return `${named(event)}: ${event.outcome} (run ${event.run}, which waited for a confirmation)`;
    case 'agent-warning':
      return event.instance === undefined ? event.message : `${event.instance}: ${event.message}`;
  }
}

/** A line of the protocol, as people say it. */
function answered(reply: string): string {
  const [kind = '', ...rest] = reply.split(' ');
  switch (kind) {
    case 'go':
      return `may go on, restore point ${rest[1] ?? ''}`;
    case 'go-already-guarded':
      return 'may go on, a run guards it already';
    case 'go-unguarded':
      return `may go on without a restore point: ${rest.join(' ')}`;
    default:
      return `must not go on: ${rest.join(' ')}`;
  }
}

function named({ instance, project, remote }: Subject): string {
  return `${remote === null ? '' : `${remote}:`}${instance}${project === 'default' ? '' : ` (project ${project})`}`;
}
