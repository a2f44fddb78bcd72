import type { Configuration, Disk, Metadata } from '../../platform.ts';
import { bytesOf } from '../storage/pool.ts';

/** Devices by name, each with its keys. */
export type Devices = Readonly<Record<string, Readonly<Record<string, string>>>>;

type Config = Readonly<Record<string, string>>;

/** Before the name of each of guard's own keys: Incus keeps what begins with `user.` and does not read it. */
const prefix = 'user.guard.';

/** guard's own keys of a configuration, by their short names. */
export function metadataOf(config: Config): Metadata {
  const own = Object.entries(config).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** guard's own keys as they are written. */
export function configOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [keyOf(key), value]));
}

/** The full name of one of guard's own keys. */
export function keyOf(name: string): string {
  return `${prefix}${name}`;
}

/** What the user configured: the server's own notes change with every start, and guard's with every run. */
export function configurationOf(config: Config, devices: Devices): Configuration {
  const keys = Object.entries(config).filter(([key]) => !key.startsWith('volatile.') && !key.startsWith(prefix));
  return {
    keys: Object.fromEntries(keys),
    devices: Object.fromEntries(
      Object.entries(devices).map(([name, device]) => [name, JSON.stringify(Object.entries(device).toSorted(byName))]),
    ),
  };
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a.localeCompare(b);
}

/** Variables that Incus gives every command. */
export function environmentOf(config: Config): Record<string, string> {
  const prefixed = Object.entries(config).filter(([key]) => key.startsWith('environment.'));
  return Object.fromEntries(prefixed.map(([key, value]) => [key.slice('environment.'.length), value]));
}

/** The disks among the devices. Left out is the drive of cloud-init, which Incus makes again at each start. */
export function disksOf(devices: Devices): Disk[] {
  return Object.entries(devices).flatMap(([device, keys]) => {
    const disk = keys['type'] === 'disk' ? diskOf(device, keys) : null;
    return disk === null ? [] : [disk];
  });
}

function diskOf(device: string, keys: Readonly<Record<string, string>>): Disk | null {
  const { path = device, pool, source = '', size } = keys;
  if (path === '/')
    return { device, path, kind: 'root', pool: pool ?? '', sizeBytes: size === undefined ? null : bytesOf(size) };
  if (/^(cloud-init|agent):/.test(source)) return null;
  if (/^tmpfs(-overlay)?:/.test(source)) return { device, path, kind: 'memory' };
  // A part of a volume is written `volume/folder`.
  const kind = keys['dependent'] === 'true' ? 'dependent-volume' : 'volume';
  if (pool !== undefined) return { device, path, kind, pool, volume: source.split('/')[0] ?? '' };
  return { device, path, kind: source.startsWith('/') ? 'host-path' : 'other', source };
}
