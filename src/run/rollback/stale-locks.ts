import type { Platform } from '../../platform/platform.ts';

/**
 * Lock files that a package manager leaves in the file system while it works. A restore point that is taken for its
 * transaction has them, and after the restore nobody would ever remove them again (F24). Locks of the kernel (dpkg, rpm,
 * apk) and those below /run (zypper) end with their process.
 */
const staleLocks: readonly string[] = [
  '/var/lib/pacman/db.lck',
  // dnf 4 waits for ever where another process has the number in it after the restore.
  '/var/lib/dnf/rpmdb_lock.pid',
  '/var/cache/dnf/metadata_lock.pid',
  '/var/cache/dnf/download_lock.pid',
];

/** Removes them from a stopped instance. A missing file or a failure does not prevent the start. */
export async function clearStaleLocks(platform: Platform, instance: string): Promise<void> {
  for (const path of staleLocks) await platform.deleteFile(instance, path, { limitMs });
}

const limitMs = 30_000;
