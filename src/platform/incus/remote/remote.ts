import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '../../../clock.ts';
import { formatDuration } from '../../../duration.ts';
import { err, ok, type Result } from '../../../result.ts';
import { shellWords } from '../../../text.ts';
import type { Environment, RemoteConfig } from './client-config.ts';
import { startTlsForwarder, type Forwarder } from './tls-forwarder.ts';
import { clientOf } from '../product.ts';
import { closeIncus, openIncus } from '../http/client.ts';
import { failureOf, type About } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import { getServer } from '../http/server.ts';

/** A remote daemon, reachable through a unix socket of our own as long as it is open. */
export interface Remote {
  readonly socket: string;
  /** Ends the proxy and removes its socket. */
  readonly close: () => Promise<void>;
}

/**
 * Opens the user's own remote and waits until the server behind it answers. A proxy that ends later is started again on the same socket, so
 * that a request that was lost can be followed by another; what the request did is then asked, as after any lost one. `incus remote proxy` uses the
 * certificates and tokens of `incus` without that guard reads them; `lxc` has no such command.
 */
export async function openRemote(options: {
  readonly remote: string;
  /** Of a remote that `lxc` knows; left out for one of `incus`. */
  readonly lxd?: RemoteConfig;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly limitMs: number;
}): Promise<Result<Remote, PlatformFailure>> {
  const { remote, lxd, clock, limitMs } = options;
  const about = { purpose: `reach the remote ${remote}`, project: 'default' };
  const folder = await mkdtemp(join(tmpdir(), 'guard-remote-'));
  const socket = join(folder, 'unix.socket');
  const proxy = keepProxy(clock, () =>
    lxd === undefined ? spawnProxy(`${remote}:`, socket, options.environment) : startTlsForwarder(remote, lxd, socket),
  );
  async function close(): Promise<void> {
    await proxy.end();
    await rm(folder, { recursive: true, force: true });
  }
  const withAnswer = await waitForProxy(socket, about, proxy, clock, limitMs);
  if (withAnswer === null) {
    proxy.keep();
    return ok({ socket, close });
  }
  await close();
  const advice = adviceFor(withAnswer.detail, remote, clientOf(lxd === undefined ? 'Incus' : 'LXD'));
  return err(withAnswer.kind === 'unreachable' ? { ...withAnswer, advice } : withAnswer);
}

interface Proxy {
  /** Null while it runs; what it said on stderr once it has ended. */
  readonly detail: () => string | null;
  /** From now on it is started again when it ends. */
  readonly keep: () => void;
  readonly end: () => Promise<void>;
}

function keepProxy(clock: Clock, spawn: () => Promise<Forwarder>): Proxy {
  const state = { detail: null as string | null, kept: false };
  const over = new AbortController();
  async function live(): Promise<void> {
    do {
      state.detail = null;
      const running = await spawn();
      const kill = (): void => running.kill();
      if (over.signal.aborted) kill();
      over.signal.addEventListener('abort', kill);
      state.detail = await running.ended;
      over.signal.removeEventListener('abort', kill);
      if (state.kept) await clock.sleep(respawnMs, over.signal);
    } while (state.kept && !over.signal.aborted);
  }
  const ended = live();
  return {
    detail: () => state.detail,
    keep: () => {
      state.kept = true;
    },
    end: async () => {
      over.abort();
      await ended;
    },
  };
}

async function spawnProxy(remote: string, socket: string, environment: Environment): Promise<Forwarder> {
  const { execa } = await import('execa');
  // Should guard be killed, the proxy ends by itself after a minute without a request.
  const child = execa('incus', ['remote', 'proxy', remote, socket, '--timeout', '60'], {
    env: { ...environment },
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
    reject: false,
    maxBuffer: 100_000,
    // A terminal's Ctrl-C goes to its whole process group: the rollback still needs the proxy then.
    detached: true,
    forceKillAfterDelay: 2_000,
  });
  async function ended(): Promise<string> {
    const { stderr, originalMessage } = await child;
    return stderr || originalMessage || 'it ended unexpectedly';
  }
  return { ended: ended(), kill: () => void child.kill() };
}

/** Waits until the server behind the proxy answers; else why not. */
async function waitForProxy(
  socket: string,
  about: About,
  proxy: Proxy,
  clock: Clock,
  limitMs: number,
): Promise<PlatformFailure | null> {
  const deadline = clock.monotonic() + limitMs;
  const incus = openIncus({ socket, project: 'default', clock });
  try {
    for (;;) {
      const detail = proxy.detail();
      if (detail !== null) return failureOf('unreachable', about, detail.trim());
      const server = await getServer(incus);
      if (server.ok) return null;
      if (server.error.kind !== 'unreachable') return { ...server.error, purpose: about.purpose };
      if (clock.monotonic() > deadline)
        return failureOf('unreachable', about, `it did not answer within ${formatDuration(limitMs)}`);
      await clock.sleep(pollMs);
    }
  } finally {
    closeIncus(incus);
  }
}

function adviceFor(detail: string, remote: string, client: string): string {
  return /ENOENT/.test(detail)
    ? 'guard reaches remotes through the incus command: install it (on Debian the package incus-client).'
    : `See \`${client} remote list\`, and try it with \`${shellWords([client, 'list', `${remote}:`])}\`.`;
}

const pollMs = 25;
const respawnMs = 500;
