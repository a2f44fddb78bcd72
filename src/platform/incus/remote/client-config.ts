import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { err, ok, type Result } from '../../../result.ts';
import type { AddressFailure } from './address-failure.ts';
import { clientOf, type Product } from '../product.ts';
import { isObject, objectOf, textOf } from '../http/json.ts';

/** Environment variables, as `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What guard reads of the configuration of `incus` and `lxc`. */
export interface ClientConfig {
  readonly defaultRemote: string;
  readonly remotes: Readonly<Record<string, RemoteConfig>>;
}

/** One remote. Empty texts where nothing is said. */
export interface RemoteConfig {
  /** Whose client knows it. */
  readonly product: Product;
  /** The folder of that client's configuration, with its certificate. */
  readonly folder: string;
  /** The folder of the configuration that has the remote: the user's or the system's. The certificates of its servers are there too. */
  readonly source: string;
  /** `unix://`, `https://…`. */
  readonly address: string;
  readonly project: string;
  /** `incus`, `lxd`, or `simplestreams` and `oci` for servers of images. */
  readonly protocol: string;
  readonly public: boolean;
}

/** Where a client keeps its configuration: the system's, then the user's. */
function configFolders(product: Product, environment: Environment): { readonly system: string; readonly user: string } {
  const home = environment['HOME'] || homedir();
  if (product === 'Incus')
    return {
      system: environment['INCUS_GLOBAL_CONF'] || '/etc/incus',
      user: environment['INCUS_CONF'] || join(home, '.config', 'incus'),
    };
  const ofSnap = join(home, 'snap', 'lxd', 'common', 'config');
  return {
    system: environment['LXD_GLOBAL_CONF'] || '/etc/lxd',
    user: environment['LXD_CONF'] || (existsSync(ofSnap) ? ofSnap : join(home, '.config', 'lxc')),
  };
}

/** Reads config.yml of the user over that of the system, for one of the clients; both may be missing. */
export async function readClientConfig(
  product: Product,
  environment: Environment,
): Promise<Result<ClientConfig, AddressFailure>> {
  const folders = configFolders(product, environment);
  const client = clientOf(product);
  const system = await readOne(join(folders.system, 'config.yml'), client);
  if (!system.ok) return system;
  const user = await readOne(join(folders.user, 'config.yml'), client);
  if (!user.ok) return user;
  const place = { product, folder: folders.user, source: folders.user };
  const local: RemoteConfig = { ...place, address: 'unix://', project: '', protocol: '', public: false };
  return ok({
    defaultRemote: textOf(user.value['default-remote']) || textOf(system.value['default-remote']) || 'local',
    remotes: {
      local,
      ...remotesOf(system.value, { ...place, source: folders.system }),
      ...remotesOf(user.value, place),
    },
  });
}

async function readOne(
  path: string,
  client: string,
): Promise<Result<Readonly<Record<string, unknown>>, AddressFailure>> {
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
      advice: `The ${client} command reads this file too.`,
    });
  }
  return ok(objectOf(document.toJS()));
}

type Place = Pick<RemoteConfig, 'product' | 'folder' | 'source'>;

function remotesOf(config: Readonly<Record<string, unknown>>, place: Place): Record<string, RemoteConfig> {
  const entries = Object.entries(objectOf(config['remotes'])).filter(([, remote]) => isObject(remote));
  return Object.fromEntries(entries.map(([name, remote]) => [name, remoteOf(objectOf(remote), place)]));
}

function remoteOf(remote: Readonly<Record<string, unknown>>, place: Place): RemoteConfig {
  return {
    ...place,
    // Newer clients write several addresses as one text, with commas.
    address: textOf(remote['addr']).split(',')[0] ?? '',
    project: textOf(remote['project']),
    protocol: textOf(remote['protocol']),
    public: remote['public'] === true,
  };
}
