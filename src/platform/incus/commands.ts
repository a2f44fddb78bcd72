import { shellWords } from '../../text.ts';
import type { Commands, InconsistentSnapshots, InstanceAddress } from '../platform.ts';
import { keyOf } from './instances/config.ts';

/** What a person types for it: lines of the `incus` command. */
export const commands: Commands = {
  // Incus has no one command for it.
  rollBack: (of, { restorePoint, start, first = [] }) => [
    line(of, ['stop', '--force', nameOf(of)]),
    ...first,
    ...restorePoint.volumes.map(({ pool, volume, snapshot }) =>
      line(of, ['storage', 'volume', 'snapshot', 'restore', remoteOf(of, pool), volume, snapshot]),
    ),
    line(of, ['snapshot', 'restore', nameOf(of), restorePoint.name]),
    ...(start ? [line(of, ['start', nameOf(of)])] : []),
  ],
  removeSnapshots: (of, names) => names.map((name) => line(of, ['snapshot', 'delete', nameOf(of), name])),
  restoreSnapshot: (of, name) => line(of, ['snapshot', 'restore', nameOf(of), name]),
  repairSnapshots: (of, inconsistent) => repairSnapshots(of, inconsistent),
  removeMetadata: (of, key) => line(of, ['config', 'unset', nameOf(of), keyOf(key)]),
  removeInstance: (of) => line(of, ['delete', nameOf(of)]),
  showInstance: (of) => line(of, ['info', nameOf(of)]),
  listInstances: (of) => line(of, of.remote === null ? ['list'] : ['list', `${of.remote}:`]),
  thawInstance: (of) => line(of, ['resume', nameOf(of)]),
  allowStart: (of) => line(of, ['config', 'set', nameOf(of), 'security.protection.start=false']),
  makePermanent: (of) => line(of, ['config', 'set', nameOf(of), '--property', 'ephemeral=false']),
  exec: (of, words) => line(of, ['exec', nameOf(of)], words),
  showPool: (pool) => shellWords(['incus', 'storage', 'info', pool]),
  resizeDisk: (of, device) => `${line(of, ['config', 'device', 'set', nameOf(of), device])} size=…`,
};

function line(of: Pick<InstanceAddress, 'project'>, words: readonly string[], inside: readonly string[] = []): string {
  const project = of.project === 'default' ? [] : ['--project', of.project];
  return shellWords(['incus', ...words, ...project, ...(inside.length > 0 ? ['--', ...inside] : [])]);
}

function nameOf(of: Pick<InstanceAddress, 'instance' | 'remote'>): string {
  return remoteOf(of, of.instance);
}

function remoteOf({ remote }: Pick<InstanceAddress, 'remote'>, name: string): string {
  return remote === null ? name : `${remote}:${name}`;
}

/** Where a renaming was cut only the server's database can be repaired; else what has no data is removed (again). */
function repairSnapshots(of: InstanceAddress, { empty, nameless }: InconsistentSnapshots): string[] {
  if (nameless.length === 0) return empty.map(({ name }) => line(of, ['snapshot', 'delete', nameOf(of), name]));
  return nameless.flatMap((name, index) => {
    const snapshot = empty[index]?.name;
    return snapshot === undefined ? [] : [shellWords(['incus', 'admin', 'sql', 'global', rename(of, name, snapshot)])];
  });
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
