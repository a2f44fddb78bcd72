import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { err, ok, type Result } from '../../../result.ts';
import type { AddressFailure } from './address-failure.ts';
import { isObject, objectOf, textOf } from '../http/json.ts';

/** Environment variables, as `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What guard reads of the `incus` command's own configuration. */
export interface ClientConfig {
  readonly defaultRemote: string;
  readonly remotes: Readonly<Record<string, RemoteConfig>>;
}

/** One remote. Empty texts where nothing is said. */
export interface RemoteConfig {
  /** `unix://`, `https://…`. */
  readonly address: string;
  readonly project: string;
  /** `incus`, or `simplestreams` and `oci` for servers of images. */
  readonly protocol: string;
  readonly public: boolean;
}

/** Where the `incus` command keeps its configuration. */
function clientConfigFolder(environment: Environment): string {
  return environment['INCUS_CONF'] || join(environment['HOME'] || homedir(), '.config', 'incus');
}

/** Reads config.yml of the user over that of the system; both may be missing. */
export async function readClientConfig(environment: Environment): Promise<Result<ClientConfig, AddressFailure>> {
  const system = await readOne(join(environment['INCUS_GLOBAL_CONF'] || '/etc/incus', 'config.yml'));
  if (!system.ok) return system;
  const user = await readOne(join(clientConfigFolder(environment), 'config.yml'));
  if (!user.ok) return user;
  return ok({
    defaultRemote: textOf(user.value['default-remote']) || textOf(system.value['default-remote']) || 'local',
    remotes: { ...builtIn, ...remotesOf(system.value), ...remotesOf(user.value) },
  });
}

const builtIn: Readonly<Record<string, RemoteConfig>> = {
  local: { address: 'unix://', project: '', protocol: 'incus', public: false },
};

async function readOne(path: string): Promise<Result<Readonly<Record<string, unknown>>, AddressFailure>> {
  let text: string;
  try {
    // At once: before the first request there is nothing to do meanwhile, and the way through other threads takes longer.
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return ok({});
    return err({ message: `${path} could not be read: ${String(error)}.`, advice: '' });
  }
  // Loaded late: without a configuration of the client there is nothing to parse.
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const mistake = document.errors[0];
  if (mistake) {
    const line = mistake.linePos?.[0];
    const place = line ? `${path}:${line.line}:${line.col}` : path;
    return err({
      message: `${place}: ${mistake.message.split('\n')[0] ?? ''}`,
      advice: 'The incus command reads this file too.',
    });
  }
  return ok(objectOf(document.toJS()));
}

function remotesOf(config: Readonly<Record<string, unknown>>): Record<string, RemoteConfig> {
  const entries = Object.entries(objectOf(config['remotes'])).filter(([, remote]) => isObject(remote));
  return Object.fromEntries(entries.map(([name, remote]) => [name, remoteOf(objectOf(remote))]));
}

function remoteOf(remote: Readonly<Record<string, unknown>>): RemoteConfig {
  return {
    // Newer clients write several addresses as one text, with commas.
    address: textOf(remote['addr']).split(',')[0] ?? '',
    project: textOf(remote['project']),
    protocol: textOf(remote['protocol']),
    public: remote['public'] === true,
  };
}
