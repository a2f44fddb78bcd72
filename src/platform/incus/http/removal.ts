/**
 * All that guard can ever ask Incus to remove. The client makes a DELETE from one of these and from nothing else, so
 * that no code, name or configuration can delete an instance, a volume, a pool or a project.
 */
export type Removal =
  | { readonly kind: 'snapshot'; readonly instance: string; readonly snapshot: string }
  | { readonly kind: 'volume-snapshot'; readonly pool: string; readonly volume: string; readonly snapshot: string }
  | { readonly kind: 'file'; readonly instance: string; readonly path: string };

/** Where a thing is in the API: path segments, not yet encoded, and the query without `project`. */
export interface Location {
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
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
  const query = new URLSearchParams({ ...location.query, project });
  return `/1.0${location.path.map((segment) => `/${encodeURIComponent(segment)}`).join('')}?${query.toString()}`;
}
