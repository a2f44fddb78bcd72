import type { Difference } from '../../rules.ts';
import type { Comparison } from '../comparison.ts';

/** File systems that are gone, that went read-only, or that the next boot will not mount. */
export function compareMounts({ before, after }: Comparison): Difference[] {
  const [was, is] = [before.mounts, after.mounts];
  if (was == null || is == null) return [];
  const now = new Map(is.mounted.map((mount) => [mount.path, mount]));
  const difference = (path: string, change: string, message: string): Difference => ({
    resource: 'mount',
    change,
    name: path,
    subject: `mount:${path}`,
    message,
    transient: change !== 'unconfigured',
    traits: [],
  });
  return [
    ...was.mounted
      .filter(({ path }) => path !== '/tmp' && !now.has(path))
      .map(({ path }) => difference(path, 'lost', `${path} was mounted, is not any more`)),
    ...was.mounted
      .filter(({ path, writable }) => writable && now.get(path)?.writable === false)
      .map(({ path }) => difference(path, 'read-only', `${path} could be written to, is read-only now`)),
    ...is.mounted
      .filter(
        ({ path, writable, type }) =>
          !writable && !madeReadOnly.test(type) && !was.mounted.some((mount) => mount.path === path),
      )
      .map(({ path }) => difference(path, 'read-only', `${path} is read-only now`)),
    ...was.configured
      .filter((path) => !is.configured.includes(path) && was.mounted.some((mount) => mount.path === path))
      .map((path) => difference(path, 'unconfigured', `/etc/fstab does not mount ${path} at the next boot any more`)),
  ];
}

/** Images, which nobody could ever write to. */
const madeReadOnly = /^(squashfs|iso9660|erofs|overlay|fuse)/;
