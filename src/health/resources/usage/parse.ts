import type { ClientConnection, Owner, Socket } from '../../facts.ts';
import type { Section } from '../../probe/sections.ts';

/** `yes NAME` and `no NAME` lines. */
export function answersYesOrNo(section: Section): Record<string, boolean> | null {
  if (section.status !== 0) return null;
  return Object.fromEntries(
    section.lines.slice(0, 500).flatMap((line) => {
      const [, word, name] = /^(yes|no) (\S{1,300})$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, word === 'yes']];
    }),
  );
}

/** `COUNT FOLDER` lines. */
export function queuesFrom(section: Section): Record<string, number> | null {
  if (section.status !== 0) return null;
  return Object.fromEntries(
    section.lines.slice(0, 50).flatMap((line) => {
      const [, count, path] = /^\s*(\d{1,9}) (\/\S{1,200})$/.exec(line) ?? [];
      return path === undefined ? [] : [[path, Number(count)]];
    }),
  );
}

/** Connections that processes of the instance opened, from `ss -Htnpe state established`: those at a port on which nobody listens. */
export function clientConnections(
  section: Section,
  listeners: readonly Socket[] | null,
  ownerOf: (inode: string) => Owner | null,
): readonly ClientConnection[] | null {
  if (section.status !== 0 || listeners === null) return null;
  const served = new Set(listeners.map(({ port }) => port));
  const found = new Map<string, ClientConnection>();
  for (const line of section.lines.slice(0, 5000)) {
    const [, , local, peer] = line.trim().split(/\s+/);
    const inode = /\bino:(\d+)/.exec(line)?.[1];
    const port = Number(/:(\d+)$/.exec(local ?? '')?.[1]);
    if (inode === undefined || peer === undefined || served.has(port) || peer.includes('[') || peer.includes('%'))
      continue;
    const owner = ownerOf(inode);
    // People's sessions and visitors from outside come and go.
    if (owner?.unit == null || /^session-|^user@\d+\.service$/.test(owner.unit)) continue;
    found.set(`${owner.unit} ${peer}`, { owner: owner.unit, peer });
  }
  return [...found.values()].slice(0, 200);
}
