import type { PlatformFailure } from '../platform/failure.ts';
import { ok, type Result } from '../result.ts';
import { exists, namesIn, type Inside } from './inside.ts';

/** The existing paths that match a pattern, in which `*` stands for a part of a name. */
export async function findPaths(inside: Inside, pattern: string): Promise<Result<string[], PlatformFailure>> {
  let found = [''];
  const names = pattern.split('/').slice(1);
  for (const [depth, wanted] of names.entries()) {
    if (!wanted.includes('*')) {
      found = found.map((folder) => `${folder}/${wanted}`);
      continue;
    }
    const deeper: string[] = [];
    for (const folder of found) {
      const there = await namesIn(inside, folder);
      if (!there.ok) return there;
      for (const name of there.value) if (fitsName(wanted, name)) deeper.push(`${folder}/${name}`);
    }
    found = deeper.slice(0, mostPlaces);
    if (depth === names.length - 1) return ok(found);
  }
  const there: string[] = [];
  for (const path of found) {
    const isThere = await exists(inside, path);
    if (!isThere.ok) return isThere;
    if (isThere.value) there.push(path);
  }
  return ok(there);
}

/** A pattern with its `*` replaced by the matching parts of another path of the same depth. */
export function pathBeside(pattern: string, path: string): string {
  const names = path.split('/');
  return pattern
    .split('/')
    .map((wanted, depth) => (wanted.includes('*') ? (names[depth] ?? wanted) : wanted))
    .join('/');
}

/** Whether a folder contains paths that match a pattern. */
export function isAbove(folder: string, pattern: string): boolean {
  const names = folder.split('/');
  const wanted = pattern.split('/');
  return names.length < wanted.length && names.every((name, depth) => fitsName(wanted[depth] ?? '', name));
}

/** Root in the instance can create any number of folders. */
const mostPlaces = 20;

function fitsName(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length >= at + last.length && name.endsWith(last);
}
