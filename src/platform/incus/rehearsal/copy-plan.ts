import type { Devices } from '../instances/config.ts';
import { isolateRawLxc } from './raw-lxc.ts';
import type { CopiedVolume, CopyPlan, CopyRequest, RemovedDevice } from '../../rehearsals.ts';

/** An instance as the server writes it, as far as a copy depends on it. */
export interface OriginalInstance {
  readonly location: string | null;
  readonly config: Readonly<Record<string, string>>;
  readonly expandedConfig: Readonly<Record<string, string>>;
  readonly expandedDevices: Devices;
}

/** The key on a copy, and on its volumes, whose value is the id of the rehearsal. */
export const copyKey = 'user.guard.rehearsal';

/**
 * The copy keeps the original's name, limits and interfaces, and loses everything that leads outside or starts by itself:
 * proxies, folders and devices of the host, shared volumes, schedules, automatic start, cloud-init's data, and the lines of
 * `raw.lxc` that lead outside.
 */
export function planCopy(original: OriginalInstance, request: CopyRequest): Omit<CopyPlan, 'isOnAnsweringServer'> {
  const devices: Record<string, Readonly<Record<string, string>>> = {};
  const removed: RemovedDevice[] = [];
  const volumes: CopiedVolume[] = [];
  for (const [device, keys] of Object.entries(original.expandedDevices)) {
    const own = request.ownVolumes.find((volume) => volume.device === device);
    const kept = keepDevice(
      keys,
      request,
      hwaddrOf(original, device),
      own === undefined ? null : copyName(request.uuid, volumes.length),
    );
    if (own !== undefined) volumes.push({ ...own, copy: copyName(request.uuid, volumes.length) });
    if (kept.keys === null) removed.push({ device, because: kept.because, paths: pathsOf(keys) });
    devices[device] = kept.keys ?? { type: 'none' };
  }
  const hasNetwork = Object.values(devices).some((keys) => keys['type'] === 'nic');
  const rawLxc = isolateRawLxc(original.expandedConfig['raw.lxc'] ?? '');
  return {
    config: configOf(original, rawLxc.text, request),
    devices,
    hasNetwork,
    removed,
    removedSettings: rawLxc.removed,
    volumes,
    location: original.location,
  };
}

function copyName(uuid: string, at: number): string {
  return `guard-${uuid}-${at}`;
}

/** The copy has the same hardware address: a guest that finds its interface by it would have no network otherwise. */
function hwaddrOf({ config }: Pick<OriginalInstance, 'config'>, device: string): string | null {
  return config[`volatile.${device}.hwaddr`] ?? null;
}

type Kept = { readonly keys: Readonly<Record<string, string>> } | { readonly keys: null; readonly because: string };

function keepDevice(
  keys: Readonly<Record<string, string>>,
  { network }: CopyRequest,
  hwaddr: string | null,
  volumeCopy: string | null,
): Kept {
  switch (keys['type']) {
    case 'nic':
      return { keys: isolatedNic(keys, network, hwaddr) };
    case 'none':
      return { keys: { type: 'none' } };
    case 'disk':
      return keepDisk(keys, volumeCopy);
    case 'proxy':
      return { keys: null, because: 'a proxy would take a port of the host, or reach out of the copy' };
    default:
      return { keys: null, because: `a device of the host (${keys['type'] ?? 'of unknown type'})` };
  }
}

/** Where the services of the instance find a device: their logs name that when it is missing. */
function pathsOf(keys: Readonly<Record<string, string>>): readonly string[] {
  switch (keys['type']) {
    case 'gpu':
      return ['/dev/dri', '/dev/kfd', '/dev/nvidia'];
    case 'usb':
      return ['/dev/bus/usb'];
    case 'tpm':
      return [keys['path'] ?? '/dev/tpm0', ...definedOf(keys['pathrm'])];
    case 'proxy':
      return keys['bind'] === 'instance' || keys['bind'] === 'container'
        ? definedOf(keys['listen']?.replace(/^\w+:/, '').replace(/^0\.0\.0\.0:/, '127.0.0.1:'))
        : [];
    case 'unix-char':
    case 'unix-block':
    case 'unix-hotplug':
      return definedOf(keys['path'] ?? keys['source']);
    default:
      return definedOf(keys['path']);
  }
}

function definedOf(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : [text];
}

/**
 * Also an interface that was no bridge's (macvlan, a physical one, OVN) becomes one on the isolated bridge, under its own
 * name inside. The filters admit nothing but the address that the bridge's DHCP gave, and no IPv6 at all.
 */
function isolatedNic(
  { name, hwaddr: own }: Readonly<Record<string, string>>,
  network: string,
  hwaddr: string | null,
): Readonly<Record<string, string>> {
  const address = own ?? hwaddr;
  return {
    type: 'nic',
    network,
    ...(name === undefined ? {} : { name }),
    ...(address === null || address === undefined ? {} : { hwaddr: address }),
    'security.port_isolation': 'true',
    'security.mac_filtering': 'true',
    'security.ipv4_filtering': 'true',
    'security.ipv6_filtering': 'true',
  };
}

function keepDisk(keys: Readonly<Record<string, string>>, volumeCopy: string | null): Kept {
  if (keys['path'] === '/') return { keys };
  if (volumeCopy !== null) {
    // A part of a volume is written `volume/folder`.
    const [, ...folder] = (keys['source'] ?? '').split('/');
    return { keys: { ...keys, source: [volumeCopy, ...folder].join('/') } };
  }
  const { source = '', pool } = keys;
  // Incus makes this drive at each start; the copy gets no cloud-init data.
  if (/^(cloud-init|agent):/.test(source)) return { keys: null, because: "cloud-init's drive" };
  if (/^tmpfs(-overlay)?:/.test(source)) return { keys: null, because: 'a disk in memory, which guard does not make' };
  if (keys['dependent'] === 'true')
    return {
      keys: null,
      because: `the volume ${source} of pool ${pool ?? ''} is a part of the instance, which guard does not copy yet`,
    };
  return pool === undefined
    ? { keys: null, because: `a folder or disk of the host (${source})` }
    : { keys: null, because: `the volume ${source} of pool ${pool}, which other instances also use` };
}

/**
 * Keys that would act by themselves, hand the original's role to the copy, lead to a graphics card (`nvidia.*`), or let the
 * server register the copy elsewhere (`ubuntu_pro.*`). `raw.idmap`, `raw.apparmor`, `raw.seccomp`, `linux.*` and
 * `security.*` stay: without mounts, devices and interfaces of the host they lead nowhere, and services may need them.
 */
const clearedKey =
  /^(cloud-init\.|user\.(user-data|vendor-data|network-config|meta-data)$|user\.guard\.|snapshots\.|boot\.|cluster\.|security\.protection\.|nvidia\.|ubuntu_pro\.)/;

function configOf(
  { config, expandedConfig }: Pick<OriginalInstance, 'config' | 'expandedConfig'>,
  rawLxc: string,
  request: CopyRequest,
): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(expandedConfig)) {
    if (key.startsWith('volatile.')) continue;
    const keptValue = key === 'raw.lxc' ? rawLxc : clearedKey.test(key) ? '' : value;
    if (keptValue !== '') kept[key] = keptValue;
    // What the original itself has is copied by the server, unless it is set to nothing. Profiles are not copied at all.
    else if (config[key] !== undefined) kept[key] = '';
  }
  // cloud-init takes an instance with another id for a new one, and would set it up again.
  const cloudInit = config['volatile.cloud-init.instance-id'];
  return {
    ...kept,
    'boot.autostart': 'false',
    ...(request.memoryBytes === null ? {} : { 'limits.memory': `${request.memoryBytes}B` }),
    // The server would let a soft limit be passed while it has memory.
    ...(request.memoryBytes === null && kept['limits.memory'] === undefined ? {} : { 'limits.memory.enforce': 'hard' }),
    ...(cloudInit === undefined ? {} : { 'volatile.cloud-init.instance-id': cloudInit }),
    'volatile.uuid': request.uuid,
    [copyKey]: request.run,
  };
}
