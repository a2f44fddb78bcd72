import { err, ok, type Result } from '../../../result.ts';
import { nearest, neutralise } from '../../../text.ts';
import { clientOf, type Product } from '../product.ts';
import type { AddressFailure } from './address-failure.ts';
import { readClientConfig, type ClientConfig, type Environment, type RemoteConfig } from './client-config.ts';
import { findSocket, socketOf, type LocalSocket } from './socket.ts';

export type { AddressFailure };

/** What `guard <instance>` means: which daemon, which project, which instance. */
export type Address = { readonly product: Product; readonly project: string; readonly instance: string } & (
  | { readonly kind: 'local'; readonly socket: string }
  | { readonly kind: 'remote'; readonly remote: string; readonly config: RemoteConfig }
);

/**
 * Reads `name` or `remote:name` as the `incus` command does: its environment (INCUS_SOCKET, INCUS_DIR, INCUS_CONF,
 * INCUS_GLOBAL_CONF, INCUS_REMOTE, INCUS_PROJECT, HOME) and its config.yml are obeyed; `projectFlag` wins. On a host of LXD it reads as `lxc` does.
 * A remote that only the client of the other server knows is found as well.
 */
export async function resolveAddress(question: {
  readonly environment: Environment;
  readonly remoteAndName: string;
  readonly projectFlag: string | null;
}): Promise<Result<Address, AddressFailure>> {
  const { environment } = question;
  const local = findSocket(environment);
  const config = await readClientConfig(local.product, environment);
  if (!config.ok) return config;
  const { remote: prefix, name } = splitName(question.remoteAndName);
  const remoteName = prefix ?? (defaultRemoteOf(local.product, environment) || config.value.defaultRemote);
  const found = await findRemote(remoteName, prefix !== null, config.value, local.product, environment);
  if (!found.ok) return found;
  const remote = found.value;
  if (name === '')
    return err({ message: `"${question.remoteAndName}" does not name an instance.`, advice: 'Write remote:name.' });
  if (!holdsInstances(remote))
    return err({
      message: `The remote "${remoteName}" offers images only and has no instances.`,
      advice: `See \`${clientOf(remote.product)} remote list\`.`,
    });
  const { product } = remote;
  const chosen = question.projectFlag ?? (environment['INCUS_PROJECT'] || remote.project);
  if (!remote.address.startsWith('unix:'))
    return ok({
      kind: 'remote',
      product,
      remote: remoteName,
      config: remote,
      project: chosen || 'default',
      instance: name,
    });
  const { socket, project } = localSocket(remote, environment);
  return ok({ kind: 'local', product, socket, project: chosen || project, instance: name });
}

/** The default remote that the environment chooses, in the words of the server's own client. */
function defaultRemoteOf(product: Product, environment: Environment): string {
  return (product === 'LXD' && environment['LXC_REMOTE']) || environment['INCUS_REMOTE'] || '';
}

/** A remote by its name: of the client of the local server, or of the client of the other one. */
async function findRemote(
  name: string,
  written: boolean,
  config: ClientConfig,
  product: Product,
  environment: Environment,
): Promise<Result<RemoteConfig, AddressFailure>> {
  const known = config.remotes[name];
  if (known) return ok(known);
  const others = await readClientConfig(product === 'LXD' ? 'Incus' : 'LXD', environment);
  const other = others.ok ? others.value.remotes[name] : undefined;
  return other ? ok(other) : err(unknownRemote(name, written, config, product));
}

/** Everything before the first colon is the name of a remote: the name of an instance cannot have one. */
function splitName(text: string): { remote: string | null; name: string } {
  const colon = text.indexOf(':');
  return colon < 0 ? { remote: null, name: text } : { remote: text.slice(0, colon), name: text.slice(colon + 1) };
}

function holdsInstances(remote: RemoteConfig): boolean {
  return !remote.public && ['', 'incus', 'lxd'].includes(remote.protocol);
}

/** `unix://` is the usual socket, `unix:///path` a certain one. */
function localSocket(
  { address, product }: RemoteConfig,
  environment: Environment,
): Pick<LocalSocket, 'socket' | 'project'> {
  const path = address.replace(/^unix:(\/\/)?/, '');
  return path === '' ? socketOf(product, environment) : { socket: path, project: 'default' };
}

function unknownRemote(name: string, written: boolean, config: ClientConfig, product: Product): AddressFailure {
  const known = Object.keys(config.remotes).filter((key) => holdsInstances(config.remotes[key] as RemoteConfig));
  const near = nearest(name, known);
  const meant = near === null ? '' : ` Did you mean "${near}"?`;
  const where = written ? '' : ` It is the default remote of the ${clientOf(product)} command.`;
  return {
    message: `There is no remote "${neutralise(name, 100)}".${where}${meant}`,
    advice: `Known remotes: ${known.join(', ')}. Add one with \`${clientOf(product)} remote add\`.`,
  };
}
