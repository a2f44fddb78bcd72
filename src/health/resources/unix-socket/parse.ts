import type { Access } from '../../facts.ts';
import type { Section } from '../../probe/sections.ts';

/** `MODE UID GID PATH` of sockets and of their folders. A socket may be used by whom its folder lets in as well. */
export function accessFrom(section: Section): ReadonlyMap<string, Access> {
  return new Map(
    section.lines.slice(0, 5000).flatMap((line) => {
      const [, mode, uid, gid, path] = /^([0-7]{1,5}) (\d{1,10}) (\d{1,10}) (\/.{0,300})$/.exec(line) ?? [];
      return path === undefined
        ? []
        : [
            [
              path.replace(/\/$/, '').replace(/^\/var\/run\//, '/run/'),
              { mode: Number.parseInt(mode ?? '0', 8) & 0o777, uid: Number(uid), gid: Number(gid) },
            ],
          ];
    }),
  );
}

/** `link PATH<tab>TARGET` lines. */
export function linksFrom(section: Section): Record<string, string> {
  return Object.fromEntries(
    section.lines.slice(0, 5000).flatMap((line) => {
      const [, path, target] = /^link (\/[^\t]{1,300})\t(\/.{1,300})$/.exec(line) ?? [];
      return path === undefined || target === undefined ? [] : [[path, target]];
    }),
  );
}
