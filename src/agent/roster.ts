import type { AgentListener } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import { hookKey } from '../hook/hook-key.ts';
import type { Incus } from '../incus/client.ts';
import { followEvents, type IncusEvent } from '../incus/events.ts';
import { sayFailure } from '../incus/failure.ts';
import { getInstance, listInstances, type Instance } from '../incus/instance.ts';
import { isShuttingDown } from '../incus/server.ts';

/** A project of a server, whose hooked instances are looked after. */
export interface Place {
  readonly incus: Incus;
  readonly project: string;
  readonly remote: string | null;
}

/** What is done for each hooked instance. */
export interface Attendant {
  readonly nudge: () => void;
  readonly stop: () => Promise<void>;
}

interface RosterTools {
  readonly clock: Clock;
  readonly tell: AgentListener;
  readonly attend: (instance: string) => Attendant;
  /** Called whenever the server is followed, for the first time or again. */
  readonly onFollowed: () => void;
  /** Aborts when the agent ends. */
  readonly signal: AbortSignal;
}

/** How often the server is asked whether it is about to end, in milliseconds. */
const lookMs = 2000;

/** All instances are looked at once in so many of these, even if no event tells of them. */
const looksForAll = 150;

/** Until a server that was lost is tried again, in milliseconds. */
const retryMs = { first: 250, growth: 1.6, most: 10_000 } as const;

/** Follows the instances of one place as they appear, get or lose the hook, and vanish, until the signal; then stops them all. */
export async function followHooked(place: Place, tools: RosterTools): Promise<void> {
  const { clock, signal, tell } = tools;
  const attendants = new Map<string, Attendant>();
  function see(name: string, hooked: boolean): void {
    const attendant = attendants.get(name);
    if (!hooked) {
      attendants.delete(name);
      void attendant?.stop();
    } else if (attendant) attendant.nudge();
    else if (!signal.aborted) attendants.set(name, tools.attend(name));
  }
  function seeAll(instances: readonly Instance[]): void {
    const hooked = instances.filter(isHooked).map(({ name }) => name);
    for (const name of new Set([...attendants.keys(), ...hooked])) see(name, hooked.includes(name));
  }
  async function onEvent(event: IncusEvent): Promise<void> {
    const name = instanceOf(event);
    if (name === null || signal.aborted) return;
    const instance = await getInstance(place.incus, name);
    if (instance.ok) see(name, isHooked(instance.value));
    else if (instance.error.kind === 'not-found') see(name, false);
  }

  async function stopAll(): Promise<void> {
    const all = [...attendants.values()];
    attendants.clear();
    await Promise.all(all.map((attendant) => attendant.stop()));
  }
  let pauseMs: number = retryMs.first;
  let told = '';
  function onFollowed(): void {
    pauseMs = retryMs.first;
    told = '';
    tools.onFollowed();
    tell({ type: 'server-followed', place: sayPlace(place) });
  }
  while (!signal.aborted) {
    const { says, closing } = await followOnce(place, tools, { seeAll, onEvent, onFollowed });
    if (signal.aborted) break;
    // Every relay is an operation that a daemon waits for, for minutes, before it ends.
    if (closing) await stopAll();
    if (says !== told) tell({ type: 'server-lost', place: sayPlace(place), says });
    told = says;
    await clock.sleep(pauseMs, signal);
    pauseMs = Math.min(pauseMs * retryMs.growth, retryMs.most);
  }
  await stopAll();
}

/** A place as people write it. */
export function sayPlace({ remote, project }: Pick<Place, 'remote' | 'project'>): string {
  return `${remote === null ? '' : `${remote}: `}project ${project}`;
}

/** Why a server is not followed any more. */
interface Lost {
  readonly says: string;
  /** It is about to end, and waits for whatever is under way. */
  readonly closing: boolean;
}

/** Until the events end; gives the reason. */
async function followOnce(
  place: Place,
  tools: RosterTools,
  on: {
    readonly seeAll: (instances: readonly Instance[]) => void;
    readonly onEvent: (event: IncusEvent) => Promise<void>;
    readonly onFollowed: () => void;
  },
): Promise<Lost> {
  const { clock, signal } = tools;
  if (await isShuttingDown(place.incus)) return closingServer;
  const stream = await followEvents(place.incus, ['lifecycle'], (event) => void on.onEvent(event));
  if (!stream.ok) return { says: sayFailure(stream.error), closing: false };
  const over = new AbortController();
  const stop = (): void => {
    stream.value.close();
    over.abort();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const ended = stream.value.ended.finally(() => over.abort());
  let lost: Lost | null = null;
  for (let looks = 0; !over.signal.aborted && lost === null; looks += 1) {
    if (looks % looksForAll === 0) {
      const instances = await listInstances(place.incus);
      if (instances.ok) on.seeAll(instances.value);
      else lost = { says: sayFailure(instances.error), closing: false };
      if (looks === 0 && instances.ok) on.onFollowed();
    } else if (await isShuttingDown(place.incus)) lost = closingServer;
    if (lost === null) await clock.sleep(lookMs, over.signal);
  }
  stop();
  signal.removeEventListener('abort', stop);
  const end = await ended;
  return lost ?? { says: end.ok ? 'ended' : sayFailure(end.error), closing: false };
}

const closingServer: Lost = { says: 'Incus is shutting down.', closing: true };

function isHooked({ config }: Instance): boolean {
  return (config[hookKey] ?? '') !== '';
}

/** What can change whether, or how, an instance is reached. */
const changes =
  /^instance-(created|deleted|renamed|started|stopped|shutdown|restarted|restored|updated|paused|resumed|ready)$/;

function instanceOf(event: IncusEvent): string | null {
  return changes.test(event.action) ? (/^\/1\.0\/instances\/([^/?]+)/.exec(event.source)?.[1] ?? null) : null;
}
