/**
 * All that guard can ever ask Incus to remove. The client makes a DELETE from one of these and from nothing else, so
 * that no code, name or configuration can delete an instance of the user's, a volume of the user's, a pool or a project.
 */
export type Removal =
  | { readonly kind: 'snapshot'; readonly instance: string; readonly snapshot: string }
  | { readonly kind: 'volume-snapshot'; readonly pool: string; readonly volume: string; readonly snapshot: string }
  | { readonly kind: 'file'; readonly instance: string; readonly path: string }
  | RehearsalRemoval;

/** The project of rehearsal copies. A DELETE of an instance or a volume names this project, whatever the client works in. */
export const rehearsalProject = 'guard-rehearsal';

/** Made by `verifiedCopy` and `verifiedVolume` alone. */
type RehearsalRemoval = { readonly [verified]: true } & (
  | { readonly kind: 'rehearsal-copy'; readonly instance: string }
  | { readonly kind: 'rehearsal-volume'; readonly pool: string; readonly volume: string }
);

const verified = Symbol('verified');

/** Only rehearsal/removal.ts may call this, after it has proven that the instance is guard's own copy. */
export function verifiedCopy(instance: string): Removal {
  return { [verified]: true, kind: 'rehearsal-copy', instance };
}

/** Only rehearsal/removal.ts may call this, after it has proven that the volume is guard's own copy. */
export function verifiedVolume(pool: string, volume: string): Removal {
  return { [verified]: true, kind: 'rehearsal-volume', pool, volume };
}

/** Where a thing is in the API: path segments, not yet encoded, and the query without `project`. */
export interface Location {
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  /** Instead of the client's own project. */
  readonly project?: string;
  /** Asks for the things of every project that this user may see. */
  readonly inAllProjects?: true;
}

/** Where the thing to remove is. */
export function locationOf(removal: Removal): Location {
  switch (removal.kind) {
    case 'snapshot':
      return { path: ['instances', removal.instance, 'snapshots', removal.snapshot] };
    case 'volume-snapshot':
      return {
        path: ['storage-pools', removal.pool, 'volumes', 'custom', removal.volume, 'snapshots', removal.snapshot],
      };
    case 'file':
      return { path: ['instances', removal.instance, 'files'], query: { path: removal.path } };
    case 'rehearsal-copy':
      return { path: ['instances', removal.instance], project: rehearsalProject };
    case 'rehearsal-volume':
      return { path: ['storage-pools', removal.pool, 'volumes', 'custom', removal.volume], project: rehearsalProject };
    default:
      return removal satisfies never;
  }
}

/**
 * A location as path and query. Null when a segment is empty, `.` or `..`: on the way to the server such a path could
 * be read as another, shorter one.
 */
export function requestPath(location: Location, project: string): string | null {
  if (location.path.some((segment) => segment === '' || segment === '.' || segment === '..')) return null;
  const where = location.inAllProjects ? { 'all-projects': 'true' } : { project: location.project ?? project };
  const query = new URLSearchParams({ ...location.query, ...where });
  return `/1.0${location.path.map((segment) => `/${encodeURIComponent(segment)}`).join('')}?${query.toString()}`;
}
