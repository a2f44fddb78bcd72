import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '../clock.ts';
import { sayDuration } from '../duration.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import type { Environment } from './client-config.ts';
import { closeIncus, openIncus } from './client.ts';
import { failureOf, type About, type IncusFailure } from './failure.ts';
import { getServer } from './server.ts';

/** A remote daemon, reachable through a unix socket of our own as long as it is open. */
export interface Remote {
  readonly socket: string;
  /** Ends the proxy and removes its socket. */
  readonly close: () => Promise<void>;
}

/**
 * Opens the user's own remote with `incus remote proxy`, so that its certificates and tokens are used without being
 * read, and waits until the server behind it answers.
 */
export const openRemote = async (options: {
  readonly remote: string;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly limitMs: number;
}): Promise<Result<Remote, IncusFailure>> => {
  const { remote, clock, limitMs } = options;
  const about = { asked: `reach the remote ${remote}`, project: 'default' };
  const folder = await mkdtemp(join(tmpdir(), 'guard-remote-'));
  const socket = join(folder, 'unix.socket');
  const proxy = await startProxy(`${remote}:`, socket, options.environment);
  const close = async (): Promise<void> => {
    await proxy.end();
    await rm(folder, { recursive: true, force: true });
  };
  const answered = await answers(socket, about, proxy, clock, limitMs);
  if (answered.ok) return ok({ socket, close });
  await close();
  return answered;
};

interface Proxy {
  /** Null while it runs; what it said on stderr once it has ended. */
  readonly said: () => string | null;
  readonly end: () => Promise<void>;
}

const startProxy = async (remote: string, socket: string, environment: Environment): Promise<Proxy> => {
  const { execa } = await import('execa');
  const child = execa('incus', ['remote', 'proxy', remote, socket], {
    env: { ...environment },
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
    reject: false,
    maxBuffer: 100_000,
    // A terminal's Ctrl-C reaches the whole foreground group: the rollback still needs the proxy then.
    detached: true,
    cleanup: true,
    forceKillAfterDelay: 2_000,
  });
  let said: string | null = null;
  const ended = (async () => {
    const result = await child;
    said = result.stderr || result.originalMessage || 'it ended by itself';
  })();
  return {
    said: () => said,
    end: async () => {
      child.kill();
      await ended;
    },
  };
};

/** Waits until the server behind the proxy answers, or the proxy has given up. */
const answers = async (
  socket: string,
  about: About,
  proxy: Proxy,
  clock: Clock,
  limitMs: number,
): Promise<Result<void, IncusFailure>> => {
  const deadline = clock.monotonic() + limitMs;
  const incus = openIncus({ socket, project: 'default', clock });
  try {
    for (;;) {
      const said = proxy.said();
      if (said !== null)
        return err(failureOf('unreachable', about, neutralise(said.trim(), 500), { advice: adviceFor(said) }));
      const server = await getServer(incus);
      if (server.ok) return ok(undefined);
      if (server.error.kind !== 'unreachable') return err({ ...server.error, asked: about.asked });
      if (clock.monotonic() > deadline)
        return err(failureOf('unreachable', about, `it did not answer within ${sayDuration(limitMs)}`));
      await clock.sleep(pollMs);
    }
  } finally {
    closeIncus(incus);
  }
};

const adviceFor = (said: string): string =>
  /ENOENT|not found in PATH/i.test(said)
    ? 'guard reaches remotes through the incus command: install it (on Debian the package incus-client).'
    : 'Try it with `incus remote list` and `incus list REMOTE:`.';

const pollMs = 25;
