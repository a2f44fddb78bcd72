import type { Baseline } from './baseline.ts';
import type { InstanceState } from './observation.ts';

/**
 * The baseline of a record, as any earlier version wrote it; null where it is none. The facts are not looked into: each
 * comparison knows which of them older versions did not gather.
 */
export function recordedBaseline(value: unknown): Baseline | null {
  if (!isObject(value) || typeof value['automatic'] !== 'boolean') return null;
  const { checks, definitions, facts, at } = value;
  const state = recordedState(value['state']);
  const isWhole = Array.isArray(checks) && Array.isArray(definitions) && typeof at === 'number';
  const hasFacts = facts === null || (isObject(facts) && facts['v'] === 1);
  return isWhole && hasFacts && state !== null ? ({ ...value, state } as Baseline) : null;
}

/** Also accepts `askable` and `unaskable`, the names of these states in records of earlier versions. */
function recordedState(value: unknown): InstanceState | null {
  if (!isObject(value)) return null;
  const { kind, message } = value;
  if (kind === 'reachable' || kind === 'askable') return { kind: 'reachable' };
  if (typeof message !== 'string') return null;
  if (kind === 'unreachable' || kind === 'unaskable') return { kind: 'unreachable', message };
  return kind === 'not-running' ? { kind, message } : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
