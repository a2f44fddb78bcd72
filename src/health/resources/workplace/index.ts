import { mapOf } from '../../finding.ts';
import type { Process, Workplaces } from '../../facts.ts';
import type { Difference } from '../../rules.ts';
import type { Section } from '../../probe/sections.ts';
import { withoutVersion } from '../unit/state.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

interface Folder {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** `uid UID GID /proc/PID`, `/proc/PID/cwd -> FOLDER` and `folder MODE UID GID FOLDER` lines. */
export function workplacesFrom(section: Section, residents: ReadonlyMap<number, Process>): Workplaces {
  const users = new Map<number, { uid: number; gid: number }>();
  const places = new Map<number, string>();
  const folders = new Map<string, Folder>();
  for (const line of section.lines.slice(0, 60_000)) {
    const [, uid, gid, pid] = /^uid (\d{1,10}) (\d{1,10}) \/proc\/(\d{1,10})$/.exec(line) ?? [];
    const [, process, place] = /^\/proc\/(\d{1,10})\/cwd -> (\/.{1,300})$/.exec(line) ?? [];
    const [, mode, owner, group, folder] = /^folder ([0-7]{1,5}) (\d{1,10}) (\d{1,10}) (\/.{0,300})$/.exec(line) ?? [];
    if (pid !== undefined) users.set(Number(pid), { uid: Number(uid), gid: Number(gid) });
    else if (process !== undefined && place !== undefined) places.set(Number(process), place);
    else if (folder !== undefined)
      folders.set(folder, { mode: Number.parseInt(mode ?? '0', 8) & 0o777, uid: Number(owner), gid: Number(group) });
  }
  const writable = new Map<string, boolean>();
  for (const [pid, place] of places) {
    const [user, folder, unit] = [users.get(pid), folders.get(place), residents.get(pid)?.unit];
    // What runs as root may write anywhere, and sessions come and go.
    if (
      user === undefined ||
      folder === undefined ||
      user.uid === 0 ||
      !unit?.endsWith('.service') ||
      passing.test(place)
    )
      continue;
    const key = `${withoutVersion(unit)} ${place}`;
    writable.set(key, (writable.get(key) ?? false) || mayWrite(user, folder));
  }
  const shared = [...folders].flatMap(([path, { mode }]) => (isShared.test(path) ? [[path, mode] as const] : []));
  return { writable: Object.fromEntries([...writable].slice(0, 500)), shared: Object.fromEntries(shared) };
}

const passing = /^\/(proc|run|dev|sys)(\/|$)/;

const isShared = /^\/(tmp|var\/tmp|etc|usr|var|home(\/[^/]+)?)?$/;

function mayWrite(
  { uid, gid }: { readonly uid: number; readonly gid: number },
  { mode, uid: owner, gid: group }: Folder,
): boolean {
  return (mode & 0o002) !== 0 || (owner === uid && (mode & 0o200) !== 0) || (group === gid && (mode & 0o020) !== 0);
}

/** Services that may not write where they work any more, and folders that not everybody may use any more. */
export function compareWorkplaces(comparison: Comparison): Difference[] {
  const [was, is] = [comparison.before.workplaces, comparison.after.workplaces];
  if (was == null || is == null) return [];
  const now = mapOf(is.writable);
  const modes = mapOf(is.shared);
  return [
    ...Object.entries(was.writable)
      .filter(([key, ok]) => ok && now.get(key) === false)
      .map(([key]): Difference => {
        const [unit = '', folder = ''] = key.split(/ (.*)/s);
        return {
          resource: 'workplace',
          change: 'unwritable',
          name: folder,
          subject: `workplace:${folder}`,
          message: `${unit} could write in ${folder}, where it works, and may not any more`,
          transient: true,
          traits: isRemoved(comparison, unit, unit) ? ['removed'] : [],
        };
      }),
    ...Object.entries(was.shared)
      .filter(([path, mode]) => (mode & 0o007 & ~(modes.get(path) ?? mode)) !== 0)
      .map(([path, mode]): Difference => ({
        resource: 'workplace',
        change: 'closed',
        name: path,
        subject: `workplace:${path}`,
        message: `every user could use ${path}, and may not any more (mode ${mode.toString(8)} became ${(modes.get(path) ?? 0).toString(8)})`,
        transient: true,
        traits: [],
      })),
  ];
}

/** Files that were not there, and keep services from being started or people from logging in. */
export function compareObstacles({ before, after }: Comparison): Difference[] {
  const was = before.obstacles;
  if (was == null || after.obstacles == null) return [];
  return after.obstacles
    .filter((path) => !was.includes(path))
    .map((path) => ({
      resource: 'obstacle',
      change: 'appeared',
      name: path,
      subject: `obstacle:${path}`,
      message: `${path} is there now: ${path.includes('nologin') ? 'ordinary users cannot log in' : 'services are not started'}`,
      transient: true,
      traits: [],
    }));
}
