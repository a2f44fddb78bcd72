import type { AgentListener } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import { openDesk } from './desk.ts';
import { keepRelay } from './relay-keeper.ts';
import { followHooked, sayPlace, type Place } from './roster.ts';

/** What the agent works with. */
export interface AgentTools {
  readonly version: string;
  readonly clock: Clock;
  readonly tell: AgentListener;
  /** Aborts when the agent is to end. */
  readonly signal: AbortSignal;
}

/** The host's side of the hooks: looks after every hooked instance of the places until the signal. */
export const runAgent = async (places: readonly Place[], tools: AgentTools): Promise<void> => {
  const { clock, signal, tell, version } = tools;
  tell({ type: 'agent-started', version, places: places.map(sayPlace) });
  await Promise.all(
    places.map((place) =>
      followHooked(place, {
        clock,
        tell,
        signal,
        attend: (instance) => {
          const subject = { instance, project: place.project, remote: place.remote };
          return keepRelay({ incus: place.incus, clock, tell }, subject, openDesk(version));
        },
      }),
    ),
  );
  tell({ type: 'agent-stopped' });
};
