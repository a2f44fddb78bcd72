import { shellWords } from '../../text.ts';
import type { Commands, InstanceAddress } from '../platform.ts';
import { keyOf } from './instances/config.ts';
import { clientOf, type Product } from './product.ts';

/** What a person types for it, in the words of the server's own client. */
export function commandsOf(product: Product): Commands {
  const words = product === 'LXD' ? lxc : incus;
  const client = clientOf(product);
  const line = (
    of: Pick<InstanceAddress, 'project'>,
    some: readonly string[],
    inside: readonly string[] = [],
  ): string => lineOf(client, of, some, inside);
  const protect = (of: InstanceAddress, value: boolean): string =>
    line(of, ['config', 'set', nameOf(of), `security.protection.start=${value}`]);
  function startLines(of: InstanceAddress, isProtected: boolean): string[] {
    const start = line(of, ['start', nameOf(of)]);
    return isProtected ? [protect(of, false), start, protect(of, true)] : [start];
  }
  return {
    client,
    // There is no one command for it.
    rollBack: (of, { restorePoint, start, startProtected, first = [] }) => [
      line(of, ['stop', '--force', nameOf(of)]),
      ...first,
      ...restorePoint.volumes.map(({ pool, volume, snapshot }) =>
        line(of, [...words.restoreVolume, remoteOf(of, pool), volume, snapshot]),
      ),
      line(of, [...words.restoreSnapshot, nameOf(of), restorePoint.name]),
      ...(start ? startLines(of, startProtected) : []),
    ],
    removeSnapshots: (of, names) => names.map((name) => line(of, words.deleteSnapshot(nameOf(of), name))),
    restoreSnapshot: (of, name) => line(of, [...words.restoreSnapshot, nameOf(of), name]),
    repairSnapshots: (of, { empty, nameless }) =>
      // Where a renaming was cut only the server's database can be repaired; else what has no data is removed (again).
      nameless.length === 0
        ? empty.map(({ name }) => line(of, words.deleteSnapshot(nameOf(of), name)))
        : nameless.flatMap((name, index) => {
            const snapshot = empty[index]?.name;
            return snapshot === undefined ? [] : [shellWords([...words.sql, rename(of, name, snapshot)])];
          }),
    removeMetadata: (of, key) => line(of, ['config', 'unset', nameOf(of), keyOf(key)]),
    removeInstance: (of) => line(of, ['delete', nameOf(of)]),
    showInstance: (of) => line(of, ['info', nameOf(of)]),
    listInstances: (of) => line(of, ['list', ...ofRemote(of)]),
    listProjects: (of) => shellWords([client, 'project', 'list', ...ofRemote(of)]),
    editProject: (of) => shellWords([client, 'project', 'edit', remoteOf(of, of.project)]),
    thawInstance: (of) => line(of, [words.thaw, nameOf(of)]),
    allowStart: (of) => protect(of, false),
    makePermanent: (of) => words.makePermanent(of),
    exec: (of, some) => line(of, ['exec', nameOf(of)], some),
    showPool: (pool) => shellWords([client, 'storage', 'info', pool]),
    resizeDisk: (of, device) => `${line(of, ['config', 'device', 'set', nameOf(of), device])} size=…`,
  };
}

/** What the two clients call differently. */
interface ClientWords {
  readonly restoreSnapshot: readonly string[];
  readonly restoreVolume: readonly string[];
  readonly deleteSnapshot: (instance: string, snapshot: string) => readonly string[];
  readonly thaw: string;
  readonly sql: readonly string[];
  readonly makePermanent: (of: InstanceAddress) => string;
}

const incus: ClientWords = {
  restoreSnapshot: ['snapshot', 'restore'],
  restoreVolume: ['storage', 'volume', 'snapshot', 'restore'],
  deleteSnapshot: (instance, snapshot) => ['snapshot', 'delete', instance, snapshot],
  thaw: 'resume',
  sql: ['incus', 'admin', 'sql', 'global'],
  makePermanent: (of) => lineOf('incus', of, ['config', 'set', nameOf(of), '--property', 'ephemeral=false']),
};

const lxc: ClientWords = {
  restoreSnapshot: ['restore'],
  restoreVolume: ['storage', 'volume', 'restore'],
  deleteSnapshot: (instance, snapshot) => ['delete', `${instance}/${snapshot}`],
  thaw: 'start',
  sql: ['lxd', 'sql', 'global'],
  // LXD 5.0 cannot set properties by `lxc config set`.
  makePermanent: (of) =>
    shellWords([
      'lxc',
      'query',
      '-X',
      'PATCH',
      '-d',
      '{"ephemeral": false}',
      remoteOf(of, `/1.0/instances/${of.instance}?project=${encodeURIComponent(of.project)}`),
    ]),
};

function lineOf(
  client: string,
  of: Pick<InstanceAddress, 'project'>,
  words: readonly string[],
  inside: readonly string[] = [],
): string {
  const project = of.project === 'default' ? [] : ['--project', of.project];
  return shellWords([client, ...words, ...project, ...(inside.length > 0 ? ['--', ...inside] : [])]);
}

function ofRemote({ remote }: Pick<InstanceAddress, 'remote'>): string[] {
  return remote === null ? [] : [`${remote}:`];
}

function nameOf(of: Pick<InstanceAddress, 'instance' | 'remote'>): string {
  return remoteOf(of, of.instance);
}

function remoteOf({ remote }: Pick<InstanceAddress, 'remote'>, name: string): string {
  return remote === null ? name : `${remote}:${name}`;
}

/** The data gets back the name that its snapshot still has. */
function rename({ instance, project }: InstanceAddress, from: string, to: string): string {
  return (
    `UPDATE storage_volumes_snapshots SET name=${text(to)} WHERE name=${text(from)} AND storage_volume_id IN ` +
    `(SELECT storage_volumes.id FROM storage_volumes JOIN projects ON projects.id=storage_volumes.project_id ` +
    `WHERE storage_volumes.name=${text(instance)} AND storage_volumes.type IN (0, 3) AND projects.name=${text(project)})`
  );
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
