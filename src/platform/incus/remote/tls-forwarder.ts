import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';

import type { RemoteConfig } from './client-config.ts';

/** Something that forwards a local socket to a remote server until it ends. */
export interface Forwarder {
  /** The reason, once it has ended. */
  readonly ended: Promise<string>;
  readonly kill: () => void;
}

/**
 * Listens on a unix socket and forwards each connection to the remote by TLS, with the certificate of the user's `lxc` client. The server must have
 * the certificate that this client has accepted, or one of a known authority. The forwarder ends if a connection fails before the first one was established; later
 * a connection that fails ends alone.
 */
export async function startTlsForwarder(name: string, config: RemoteConfig, unixSocket: string): Promise<Forwarder> {
  let onEnd: (reason: string) => void = () => {};
  const ended = new Promise<string>((resolve) => (onEnd = resolve));
  const credentials = await readCredentials(name, config);
  if (typeof credentials === 'string') return { ended: Promise.resolve(credentials), kill: () => {} };
  let wasSecure = false;
  const connections = new Set<Socket>();
  const server = createServer((client) => {
    connections.add(client);
    client.on('close', () => connections.delete(client));
    client.on('error', () => client.destroy());
    forward(
      client,
      credentials,
      (reason) => {
        if (wasSecure) client.destroy();
        else end(reason);
      },
      () => (wasSecure = true),
    );
  });
  function end(reason: string): void {
    server.close();
    for (const client of connections) client.destroy();
    onEnd(reason);
  }
  server.on('error', (error) => end(error.message));
  await new Promise<void>((resolve) => {
    server.listen(unixSocket, resolve);
    void ended.then(() => resolve());
  });
  return { ended, kill: () => end('') };
}

interface Credentials {
  readonly options: ConnectionOptions;
  /** The certificate that the server must have; null where an authority decides. */
  readonly accepted: X509Certificate | null;
}

async function readCredentials(name: string, { address, folder, source }: RemoteConfig): Promise<Credentials | string> {
  if (!URL.canParse(address)) return `"${address}" is not an address`;
  const url = new URL(address);
  // URL leaves out a port that is the usual one of https.
  const port = Number(/:(\d+)\/?$/.exec(address)?.[1] ?? 8443);
  const read = (...path: string[]): Promise<string | null> => readFile(join(...path), 'utf8').catch(() => null);
  const [cert, key, accepted] = await Promise.all([
    read(folder, 'client.crt'),
    read(folder, 'client.key'),
    read(source, 'servercerts', `${name}.crt`),
  ]);
  if (cert === null || key === null) return `${folder} has no client.crt and client.key that can be read`;
  let secureContext: SecureContext;
  let pinned: X509Certificate | null;
  try {
    secureContext = createSecureContext({ cert, key });
    pinned = accepted === null ? null : new X509Certificate(accepted);
  } catch (error) {
    return `the certificates in ${folder} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
  return {
    options: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port,
      secureContext,
      ...(accepted === null ? {} : { rejectUnauthorized: false }),
    },
    accepted: pinned,
  };
}

/** Nothing is sent before the server has proven its certificate. */
function forward(
  client: Socket,
  { options, accepted }: Credentials,
  onFailure: (reason: string) => void,
  onSecure: () => void,
): void {
  const remote = connectTls(options);
  remote.on('error', (error) => onFailure(error.message));
  remote.on('secureConnect', () => {
    const shown = remote.getPeerX509Certificate();
    if (accepted !== null && shown?.fingerprint256 !== accepted.fingerprint256) {
      onFailure('the server has another certificate than the one that was accepted for this remote');
      return;
    }
    onSecure();
    remote.removeAllListeners('error');
    remote.on('error', () => client.destroy());
    client.pipe(remote);
    remote.pipe(client);
  });
  remote.on('close', () => client.destroy());
  client.on('close', () => remote.destroy());
}
