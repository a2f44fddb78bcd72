import { err, ok, type Result } from '../../../result.ts';
import { nearest, neutralise } from '../../../text.ts';
import type { AddressFailure } from './address-failure.ts';
import { readClientConfig, type ClientConfig, type Environment, type RemoteConfig } from './client-config.ts';
import { findSocket } from './socket.ts';

export type { AddressFailure };

/** What `guard <instance>` means: which daemon, which project, which instance. */
export type Address =
  | { readonly kind: 'local'; readonly socket: string; readonly project: string; readonly instance: string }
  | { readonly kind: 'remote'; readonly remote: string; readonly project: string; readonly instance: string };

/**
 * Reads `name` or `remote:name` as the `incus` command does: its environment (INCUS_SOCKET, INCUS_DIR, INCUS_CONF,
 * INCUS_GLOBAL_CONF, INCUS_REMOTE, INCUS_PROJECT, HOME) and its config.yml are obeyed; `projectFlag` wins.
 */
export async function resolveAddress(question: {
  readonly environment: Environment;
  readonly remoteAndName: string;
  readonly projectFlag: string | null;
}): Promise<Result<Address, AddressFailure>> {
  const config = await readClientConfig(question.environment);
  if (!config.ok) return config;
  const { remote: prefix, name } = splitName(question.remoteAndName);
  const remoteName = prefix ?? (question.environment['INCUS_REMOTE'] || config.value.defaultRemote);
  const remote = config.value.remotes[remoteName];
  if (!remote) return err(unknownRemote(remoteName, prefix !== null, config.value));
  if (name === '')
    return err({ message: `"${question.remoteAndName}" does not name an instance.`, advice: 'Write remote:name.' });
  if (!holdsInstances(remote))
    return err({
      message: `The remote "${remoteName}" offers images only and has no instances.`,
      advice: 'See `incus remote list`.',
    });
  const chosen = question.projectFlag ?? (question.environment['INCUS_PROJECT'] || remote.project);
  if (!remote.address.startsWith('unix:'))
    return ok({ kind: 'remote', remote: remoteName, project: chosen || 'default', instance: name });
  const found = localSocket(remote.address, question.environment);
  return ok({ kind: 'local', socket: found.socket, project: chosen || found.project, instance: name });
}

/** Everything before the first colon is the name of a remote: the name of an instance cannot have one. */
function splitName(text: string): { remote: string | null; name: string } {
  const colon = text.indexOf(':');
  return colon < 0 ? { remote: null, name: text } : { remote: text.slice(0, colon), name: text.slice(colon + 1) };
}

function holdsInstances(remote: RemoteConfig): boolean {
  return !remote.public && (remote.protocol === '' || remote.protocol === 'incus');
}

/** `unix://` is the usual socket, `unix:///path` a certain one. */
function localSocket(address: string, environment: Environment): { socket: string; project: string } {
  const path = address.replace(/^unix:(\/\/)?/, '');
  return path === '' ? findSocket(environment) : { socket: path, project: 'default' };
}

function unknownRemote(name: string, written: boolean, config: ClientConfig): AddressFailure {
  const known = Object.keys(config.remotes).filter((key) => holdsInstances(config.remotes[key] as RemoteConfig));
  const near = nearest(name, known);
  const meant = near === null ? '' : ` Did you mean "${near}"?`;
  const where = written ? '' : ' It is the default remote of the incus command.';
  return {
    message: `There is no remote "${neutralise(name, 100)}".${where}${meant}`,
    advice: `Known remotes: ${known.join(', ')}. Add one with \`incus remote add\`.`,
  };
}
