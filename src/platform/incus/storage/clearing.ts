import { shellWords } from '../../../text.ts';

/**
 * The shell command for the server that clears away what a killed daemon left of a restore and what blocks every later one.
 * Null if the failure is another one. On btrfs a restore moves the file system to NAME.incustmp, makes NAME anew and removes
 * the other. If the daemon was killed after the first step, NAME is missing, or it is a folder that Incus made later for its
 * `backup.yaml`: then NAME.incustmp is moved back. Only a folder with a `rootfs` is a file system. Incus 6.0 has no request
 * that does this.
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
