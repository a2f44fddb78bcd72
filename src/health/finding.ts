import type { Finding } from '../event.ts';
import { neutralise } from '../text.ts';

/**
 * A finding from facts. `transient` ones may still settle by themselves (a service that is starting, an address that is not
 * leased yet): a reason to look longer rather than to decide.
 */
export interface FactFinding extends Finding {
  readonly transient: boolean;
  /** Of a required one: `unknown` where it proves nothing, else `fail`. */
  readonly effect?: 'fail' | 'unknown';
  /** It answers, but otherwise than before: what is merely slow says nothing yet. */
  readonly different?: boolean;
}

/** Something that decides. */
export function required(subject: string, message: string, transient = false): FactFinding {
  return finding('required', subject, message, transient);
}

/** Something that decides, where an answer came and is another one than before. */
export function different(subject: string, message: string): FactFinding {
  return { ...required(subject, message, true), different: true };
}

/** Something worth telling. */
export function advisory(subject: string, message: string): FactFinding {
  return finding('advisory', subject, message, false);
}

/** The same finding with what was there before and what is there now, in a few words each, to be shown side by side. */
export function withSides<T extends Finding>(one: T, before: string, after: string): T {
  return { ...one, before: neutralise(before, 200), after: neutralise(after, 200) };
}

/** Everything said here may hold names that come from inside the instance. */
export function finding(
  severity: Finding['severity'],
  subject: string,
  message: string,
  transient: boolean,
  effect: 'fail' | 'unknown' = 'fail',
): FactFinding {
  return {
    subject: neutralise(subject, 200),
    severity,
    message: neutralise(message, 1000),
    transient,
    ...(effect === 'unknown' ? { effect } : {}),
  };
}

/** `a`, `a and b`, `a, b and c`; beyond `most` names only their number. */
export function listed(names: readonly string[], most = 8): string {
  if (names.length > most) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

/** A hostile or very broken instance must not fill the report: beyond `most`, the number of the others of that severity. */
export function bounded(findings: readonly FactFinding[], most = 100): FactFinding[] {
  return (['required', 'advisory'] as const).flatMap((severity) => {
    const some = findings.filter((one) => one.severity === severity);
    if (some.length <= most) return some;
    const more = `and ${some.length - most} more findings of this kind`;
    return [
      ...some.slice(0, most),
      finding(
        severity,
        'instance',
        more,
        some.every((one) => one.transient),
      ),
    ];
  });
}

/** Facts come with names of the instance's choosing as keys (`constructor`, `__proto__`): a Map knows only its own. */
export function mapOf<T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(record));
}

/** The items by what `keyOf` says of them, in the order of their first one. (`Map.groupBy` needs Node 21.) */
export function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
