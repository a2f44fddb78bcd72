import { shellWords } from '../../../text.ts';

/**
 * The shell command that removes from the server what a killed daemon left of a restore, which would block every later
 * restore. Null for any other failure. On btrfs a restore renames the file system to NAME.incustmp, creates a new NAME and
 * removes NAME.incustmp. If the daemon was killed after the first step, there is no NAME, or only a folder that Incus
 * created later for its `backup.yaml`: then the command renames NAME.incustmp back to NAME. A folder is a file system of an
 * instance only if it contains `rootfs`. Incus 6.0 has no request for this.
 */
export function clearingOf(detail: string): string | null {
  const path =
    /rename \S+ (\S+)\.incustmp: (?:file exists|no such file or directory)/.exec(detail)?.[1] ??
    /Failed deleting subvolume "([^"\s]+)\.incustmp"/.exec(detail)?.[1];
  if (path === undefined) return null;
  const [here, moved] = [shellWords([path]), shellWords([`${path}.incustmp`])];
  const restoreMoved = `test -d ${here}/rootfs || { rm -f ${here}/backup.yaml; rmdir ${here} 2>/dev/null; mv -T ${moved} ${here}; }`;
  const removeMoved = `test ! -d ${moved}/rootfs || btrfs subvolume delete ${moved}`;
  const removeFolder = `rm -f ${moved}/backup.yaml; rmdir ${moved} 2>/dev/null`;
  return `${restoreMoved}; ${removeMoved}; ${removeFolder}; test ! -e ${moved}`;
}
