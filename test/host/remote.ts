import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { addressOf, incus, type Host } from './host.ts';

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
  const link = await openLink(await httpsAddress(host));
  const isLxd = host.env['LXD_DIR'] !== undefined && host.env['LXD_DIR'] !== '';
  const nowhere = join(conf, 'no-daemon');
  const env = isLxd ? { ...host.env, LXD_CONF: conf, LXD_DIR: nowhere } : { INCUS_CONF: conf, INCUS_DIR: nowhere };
  const proof = isLxd ? await trustCertificate(host, conf, trust) : ['--token', await tokenOf(host, trust)];
  const address = `https://127.0.0.1:${link.port}`;
  await execa('incus', ['remote', 'add', name, address, ...proof, '--accept-certificate', ...words], {
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

const tokenOf = async (host: Host, trust: readonly string[]): Promise<string> => {
  const said = await incus(host, 'config', 'trust', 'add', `runner-${Date.now()}`, '--quiet', ...trust);
  return said.trim().split('\n').at(-1) ?? '';
};

/** A token of LXD 5.0 names the addresses of the server itself, past the link: its client gets a certificate that is trusted already. */
const trustCertificate = async (host: Host, conf: string, trust: readonly string[]): Promise<string[]> => {
  const [key, certificate] = [join(conf, 'client.key'), join(conf, 'client.crt')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1', '-nodes', '-subj', '/CN=runner'];
  await execa('openssl', ['req', ...kind, '-days', '1', '-keyout', key, '-out', certificate], { stdin: 'ignore' });
  await incus(host, 'config', 'trust', 'add', certificate, '--name', `runner-${Date.now()}`, ...trust);
  return [];
};

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where the host's daemon is reached; it listens from now on. */
const httpsAddress = async (host: Host): Promise<Address> => {
  const address = await addressOf(host);
  const known = (await incus(host, 'config', 'get', 'core.https_address')).trim();
  if (known !== '') return { host: address, port: Number(known.split(':').at(-1)) };
  const port = await freePort();
  await incus(host, 'config', 'set', 'core.https_address', `${address}:${port}`);
  return { host: address, port };
};

const openLink = async (target: Address): Promise<Link & { readonly port: number }> => {
  const sockets = new Set<Socket>();
  const pass = (near: Socket): void => {
    const far = connect(target);
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
