import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { incus, type Host } from './host.ts';

/** A host as a runner elsewhere knows it: over HTTPS, with a certificate of the runner's own that a token made trusted. */
export interface RemoteHost {
  /** What points the `incus` command, and guard, to a client's configuration with the remote in it; to no daemon of its own. */
  readonly env: Readonly<Record<string, string>>;
  readonly link: Link;
  readonly close: () => Promise<void>;
}

/** The network between the two. */
export interface Link {
  /** Breaks every connection and takes no new one. */
  readonly cut: () => Promise<void>;
  /** Does nothing where it is whole. */
  readonly mend: () => Promise<void>;
}

/** Adds the host as the remote `name` to a new configuration of the client. */
export const addRemote = async (
  host: Host,
  name = 'far',
  words: readonly string[] = [],
  /** Words for the server: what the certificate may do there. */
  trust: readonly string[] = [],
): Promise<RemoteHost> => {
  const conf = await mkdtemp(join(tmpdir(), 'guard-client-'));
  const link = await openLink(await httpsPort(host));
  const token =
    (await incus(host, 'config', 'trust', 'add', `runner-${Date.now()}`, '--quiet', ...trust))
      .trim()
      .split('\n')
      .at(-1) ?? '';
  const env = { INCUS_CONF: conf, INCUS_DIR: join(conf, 'no-daemon') };
  const address = `https://127.0.0.1:${link.port}`;
  await execa('incus', ['remote', 'add', name, address, '--token', token, '--accept-certificate', ...words], {
    env,
    stdin: 'ignore',
  });
  return {
    env,
    link,
    close: async () => {
      await link.cut();
      await rm(conf, { recursive: true, force: true });
    },
  };
};

/** The port on which the host's daemon is reached; it listens from now on. */
const httpsPort = async (host: Host): Promise<number> => {
  const known = (await incus(host, 'config', 'get', 'core.https_address')).trim();
  if (known !== '') return Number(known.split(':').at(-1));
  const port = await freePort();
  await incus(host, 'config', 'set', 'core.https_address', `127.0.0.1:${port}`);
  return port;
};

const openLink = async (target: number): Promise<Link & { readonly port: number }> => {
  const sockets = new Set<Socket>();
  const pass = (near: Socket): void => {
    const far = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  };
  const listen = (port: number): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer(pass);
      server.on('error', reject);
      server.listen(port, '127.0.0.1', () => resolve(server));
    });
  const first = await listen(0);
  const state: { server: Server | null } = { server: first };
  const address = first.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    cut: async () => {
      const { server } = state;
      state.server = null;
      const closed = new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    mend: async () => {
      state.server ??= await listen(port);
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
};
