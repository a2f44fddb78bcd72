import type { AgentListener } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import { hookKey } from '../package-hook/hook-key.ts';
import type { Instance, InstanceEvent, Platform } from '../platform/platform.ts';
import { describeFailure } from '../platform/failure.ts';

/** A project of a server whose hooked instances the agent serves. */
export interface ServerProject {
  readonly platform: Platform;
  readonly project: string;
  readonly remote: string | null;
}

/** Handles one hooked instance. */
export interface InstanceHandler {
  readonly nudge: () => void;
  readonly stop: () => Promise<void>;
}

interface InstanceWatcherTools {
  readonly clock: Clock;
  readonly emit: AgentListener;
  readonly handle: (instance: string) => InstanceHandler;
  /** Called when the connection to the events of the server is established, each time. */
  readonly onFollowed: () => void;
  /** Aborts when the agent stops. */
  readonly signal: AbortSignal;
}

/** How often to check whether the server is shutting down, in milliseconds. */
const pollMs = 2000;

/** After this number of checks all instances are listed, even without events. */
const pollsForAll = 150;

/** The pause before reconnecting to a server, in milliseconds. */
const retryMs = { first: 250, growth: 1.6, most: 10_000 } as const;

/** Watches the instances of one project as they appear, get or lose the hook, and disappear, until the signal. Then stops all handlers. */
export async function watchInstances(serverProject: ServerProject, tools: InstanceWatcherTools): Promise<void> {
  const { clock, signal, emit } = tools;
  const attendants = new Map<string, InstanceHandler>();
  function see(name: string, hooked: boolean): void {
    const attendant = attendants.get(name);
    if (!hooked) {
      attendants.delete(name);
      void attendant?.stop();
    } else if (attendant) attendant.nudge();
    else if (!signal.aborted) attendants.set(name, tools.handle(name));
  }
  function seeAll(instances: readonly Instance[]): void {
    const hooked = instances.filter(isHooked).map(({ name }) => name);
    for (const name of new Set([...attendants.keys(), ...hooked])) see(name, hooked.includes(name));
  }
  async function onEvent(event: InstanceEvent): Promise<void> {
    const name = event.instance;
    if (signal.aborted) return;
    const instance = await serverProject.platform.getInstance(name);
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
    emit({ type: 'server-connected', server: formatServerProject(serverProject) });
  }
  while (!signal.aborted) {
    const { message, closing } = await followOnce(serverProject, tools, { seeAll, onEvent, onFollowed });
    if (signal.aborted) break;
    // Every relay is an operation. A daemon waits minutes for it before it shuts down.
    if (closing) await stopAll();
    if (message !== told) emit({ type: 'server-disconnected', server: formatServerProject(serverProject), message });
    told = message;
    await clock.sleep(pauseMs, signal);
    pauseMs = Math.min(pauseMs * retryMs.growth, retryMs.most);
  }
  await stopAll();
}

/** The project and remote for messages. */
export function formatServerProject({ remote, project }: Pick<ServerProject, 'remote' | 'project'>): string {
  return `${remote === null ? '' : `${remote}: `}project ${project}`;
}

/** Why the connection to a server ended. */
interface Disconnection {
  readonly message: string;
  /** It is shutting down and waits for running operations. */
  readonly closing: boolean;
}

/** Runs until the events end. Returns the reason. */
async function followOnce(
  serverProject: ServerProject,
  tools: InstanceWatcherTools,
  on: {
    readonly seeAll: (instances: readonly Instance[]) => void;
    readonly onEvent: (event: InstanceEvent) => Promise<void>;
    readonly onFollowed: () => void;
  },
): Promise<Disconnection> {
  const { clock, signal } = tools;
  if (await serverProject.platform.isShuttingDown()) return closingServer;
  const stream = await serverProject.platform.followInstances((event) => void on.onEvent(event));
  if (!stream.ok) return { message: describeFailure(stream.error), closing: false };
  const over = new AbortController();
  const stop = (): void => {
    stream.value.close();
    over.abort();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const ended = stream.value.ended.finally(() => over.abort());
  let lost: Disconnection | null = null;
  for (let polls = 0; !over.signal.aborted && lost === null; polls += 1) {
    if (polls % pollsForAll === 0) {
      const instances = await serverProject.platform.listInstances();
      if (instances.ok) on.seeAll(instances.value);
      else lost = { message: describeFailure(instances.error), closing: false };
      if (polls === 0 && instances.ok) on.onFollowed();
    } else if (await serverProject.platform.isShuttingDown()) lost = closingServer;
    else if (!(await stream.value.isComplete()) && !over.signal.aborted) lost = silentServer;
    if (lost === null) await clock.sleep(pollMs, over.signal);
  }
  stop();
  signal.removeEventListener('abort', stop);
  const end = await ended;
  return lost ?? { message: end.ok ? 'ended' : describeFailure(end.error), closing: false };
}

const silentServer: Disconnection = { message: 'The server sends no events any more.', closing: false };
const closingServer: Disconnection = { message: 'The server is shutting down.', closing: true };

function isHooked({ metadata }: Instance): boolean {
  return (metadata[hookKey] ?? '') !== '';
}
