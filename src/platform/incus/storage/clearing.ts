import { shellWords } from '../../../text.ts';

/**
 * The line for a shell on the server that clears away what a killed daemon left of a restore, and what stops every later
 * one; null where a failure says something else. On btrfs a restore moves the file system to NAME.incustmp, makes NAME anew
 * and removes the other. Where it came to an end after the first step there is no NAME, or an empty folder that Incus put
 * in its place later: then the one that was moved is moved back. Incus 6.0 has no request that does it.
 */
export function clearingOf(detail: string): string | null {
  const path =
    /rename \S+ (\S+)\.incustmp: (?:file exists|no such file or directory)/.exec(detail)?.[1] ??
    /Failed deleting subvolume "([^"\s]+)\.incustmp"/.exec(detail)?.[1];
  if (path === undefined) return null;
  const [here, moved] = [shellWords([path]), shellWords([`${path}.incustmp`])];
  return `rmdir ${here} ${moved} 2>/dev/null; test -e ${here} || mv -T ${moved} ${here}; test ! -e ${moved} || btrfs subvolume delete ${moved}`;
}
