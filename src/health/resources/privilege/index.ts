import type { Difference } from '../../rules.ts';
import type { Section } from '../../probe/sections.ts';
import type { Comparison } from '../comparison.ts';

/** `registered PATH`, `capability PATH CAPS` as getcap writes them, and `setuid PATH`; the last line of a path counts. */
export function privilegesFrom(section: Section): Record<string, string> | null {
  if (section.status !== 0) return null;
  return Object.fromEntries(
    section.lines.slice(0, 2000).flatMap((line) => {
      const [, kind, path, value] =
        /^(capability|setuid|registered) (\/\S{1,300})(?: =? ?(.{1,200}))?$/.exec(line) ?? [];
      return kind === undefined || path === undefined ? [] : [[path, kind === 'capability' ? (value ?? '') : kind]];
    }),
  );
}

/** The administrator gave the file a mode of its own with dpkg-statoverride, without the set-user-ID bit. */
const registered = 'registered';

/** Programs that may do less than before. */
export function comparePrivileges({ before, after }: Comparison): Difference[] {
  const [was, is] = [before.privileges, after.privileges];
  if (was == null || is == null) return [];
  const changed = JSON.stringify(before.packages?.installed) !== JSON.stringify(after.packages?.installed);
  return Object.entries(was)
    .filter(([path, value]) => value !== registered && (!Object.hasOwn(is, path) || is[path] === registered))
    .map(([path, value]): Difference => ({
      resource: 'privilege',
      change: 'lost',
      name: path,
      subject: `privilege:${path}`,
      message: `${path} had ${value === 'setuid' ? 'the set-user-ID bit' : `the capabilities ${value}`}, and no longer has it`,
      transient: false,
      // A package that is another version may have given it up.
      traits: [
        ...(value === 'setuid' && is[path] === registered ? (['configured'] as const) : []),
        changed && /^\/(usr\/)?s?bin\//.test(path) ? 'packaged' : 'own',
      ],
    }));
}
