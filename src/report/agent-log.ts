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
      return `${event.version}, serves ${event.servers.join(', ')}`;
    case 'agent-stopping':
      return event.runs === 0
        ? 'is stopping'
        : `stops when ${event.runs} ${event.runs === 1 ? 'run has' : 'runs have'} ended`;
    case 'agent-stopped':
      return 'stopped';
    case 'server-disconnected':
      return `${event.server}: connection lost: ${event.message}`;
    case 'server-connected':
      return `${event.server}: connected`;
    case 'relay-up':
      return `${named(event)}: connected`;
    case 'relay-down':
      return `${named(event)}: not connected: ${event.message}`;
    case 'relay-closed':
      return `${named(event)}: disconnected`;
    case 'transaction-announced':
      return `${named(event)}: request from ${event.manager}${event.packages === null ? '' : ` (packages: ${event.packages})`}: ${event.command.trim() || 'unknown command'}`;
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
      return `allowed, restore point ${rest[1] ?? ''}`;
    case 'go-already-guarded':
      return 'allowed, already part of a run';
    case 'go-unguarded':
      return `allowed without a restore point: ${rest.join(' ')}`;
    default:
      return `aborted: ${rest.join(' ')}`;
  }
}

function named({ instance, project, remote }: Subject): string {
  return `${remote === null ? '' : `${remote}:`}${instance}${project === 'default' ? '' : ` (project ${project})`}`;
}
