import type { Authorities } from '../../facts.ts';
import { listed } from '../../finding.ts';
import { numberOr, type Section } from '../../probe/sections.ts';
import type { Difference } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';

/** `own FILE` lines, and `all COUNT`. */
export function authoritiesFrom(section: Section): Authorities | null {
  if (section.status !== 0) return null;
  const own = section.lines.slice(0, 500).flatMap((line) => /^own (.{1,200})$/.exec(line)?.[1] ?? []);
  const count = section.lines.flatMap((line) => /^all (\d{1,6})$/.exec(line)?.[1] ?? [])[0];
  return { own, count: count === undefined ? null : numberOr(count, 0) };
}

/** Servers that programs of the instance trusted, and refuse now. What a package trusts changes with its version. */
export function compareAuthorities(comparison: Comparison): Difference[] {
  const [was, is] = [comparison.before.authorities, comparison.after.authorities];
  if (was == null || is == null) return [];
  const lost = was.own.filter((name) => !is.own.includes(name));
  const instead = is.own.some((name) => !was.own.includes(name));
  const difference = (change: string, message: string, traits: Difference['traits']): Difference => ({
    resource: 'authority',
    change,
    name: change,
    subject: 'authority:trusted',
    message,
    transient: false,
    traits,
  });
  const isEmpty = (was.count ?? 0) > 0 && (is.count ?? 0) === 0;
  return [
    ...(lost.length === 0
      ? []
      : [
          difference(
            'lost',
            `programs trusted servers with certificates of ${listed(lost)}, and do not any more`,
            instead ? ['replaced'] : lost.every((name) => isNamed(comparison, name)) ? ['removed'] : [],
          ),
        ]),
    ...(isEmpty
      ? [
          difference(
            'none',
            'programs trust no authority any more: they refuse every server with TLS',
            isRemoved(comparison, null, 'ca-certificates') ? ['removed'] : [],
          ),
        ]
      : []),
  ];
}

/** Whether the command removes the package that the authority is called after. */
function isNamed(comparison: Comparison, file: string): boolean {
  return isRemoved(comparison, null, file.replace(/\.(crt|pem)$/, ''));
}
