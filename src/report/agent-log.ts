import type { Writable } from 'node:stream';
import type { AgentEvent, AgentListener, Subject } from '../agent-event.ts';
import type { Clock } from '../clock.ts';

/** Shows what the agent does: plain lines for a log, or one event a line with `--json`. The time is the log's own business. */
export const createAgentLog = (options: {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly json: boolean;
  readonly clock: Clock;
}): AgentListener =>
  options.json
    ? (event) => void options.stdout.write(`${JSON.stringify({ v: 1, at: options.clock.now(), ...event })}\n`)
    : (event) => void options.stderr.write(`guard agent: ${sentence(event)}\n`);

const sentence = (event: AgentEvent): string => {
  switch (event.type) {
    case 'agent-started':
      return `${event.version}, looks after ${event.places.join(', ')}`;
    case 'agent-stopping':
      return event.runs === 0 ? 'ends' : `ends when ${event.runs} ${event.runs === 1 ? 'run has' : 'runs have'} ended`;
    case 'agent-stopped':
      return 'has ended';
    case 'server-lost':
      return `${event.place}: lost. ${event.says}`;
    case 'server-followed':
      return `${event.place}: followed`;
    case 'relay-up':
      return `${named(event)}: heard`;
    case 'relay-down':
      return `${named(event)}: not heard: ${event.says}`;
    case 'relay-closed':
      return `${named(event)}: not heard any more`;
    case 'transaction-asked':
      return `${named(event)}: ${event.manager} asks${event.packages === null ? '' : ` (packages: ${event.packages})`}: ${event.command.trim() || 'unknown command'}`;
    case 'transaction-answered':
      return `${named(event)}: answered after ${Math.round(event.ms)} ms: ${event.reply}`;
    case 'transaction-ended':
      return `${named(event)}: ${event.outcome} (run ${event.run})`;
    case 'agent-warning':
      return event.instance === undefined ? event.says : `${event.instance}: ${event.says}`;
  }
};

const named = ({ instance, project, remote }: Subject): string =>
  `${remote === null ? '' : `${remote}:`}${instance}${project === 'default' ? '' : ` (project ${project})`}`;
