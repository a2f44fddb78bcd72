import { createHash } from 'node:crypto';
import { isRemovalOf } from '../../intent.ts';
import type { Difference } from '../../rules.ts';
import type { Section } from '../../probe/sections.ts';
import type { Comparison } from '../comparison.ts';

/** `ALGORITHM KEY` lines. Of several keys of one algorithm the server shows the first. */
export function hostKeysFrom(section: Section): Record<string, string> | null {
  if (section.status !== 0) return null;
  const keys: Record<string, string> = {};
  for (const line of section.lines.slice(0, 20)) {
    const [, algorithm, key] = /^([a-z0-9@.-]{1,60}) ([A-Za-z0-9+/=]{20,2000})$/.exec(line) ?? [];
    if (algorithm !== undefined && key !== undefined)
      keys[algorithm] ??= createHash('sha256').update(key).digest('base64url');
  }
  return keys;
}

/** A client that knows the server by a key refuses it under another one; one key that stays is enough for it. */
export function compareHostKeys({ before, after, intent }: Comparison): Difference[] {
  const [was, is] = [before.hostKeys, after.hostKeys];
  if (was == null || is == null || !hasServer(before)) return [];
  const algorithms = Object.keys(was);
  const kept = algorithms.filter((algorithm) => is[algorithm] === was[algorithm]);
  if (algorithms.length === 0 || kept.length > 0) return [];
  return [
    {
      resource: 'host-key',
      change: 'changed',
      name: 'ssh',
      subject: 'host-key:ssh',
      message: `clients know the SSH server by its keys, and it has none of those any more: they refuse it (${algorithms.join(', ')})`,
      transient: false,
      traits: isRemovalOf(intent, 'ssh-host-keys', 'openssh-server') ? ['removed'] : [],
    },
  ];
}

function hasServer({ processes, units }: Comparison['before']): boolean {
  return (
    (processes?.some(({ name }) => name === 'sshd') ?? false) ||
    Object.values(units ?? {}).some(({ id, active }) => /^sshd?\.socket$/.test(id) && active === 'active')
  );
}
