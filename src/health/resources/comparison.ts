import { isRemovalOf, type Intent } from '../intent.ts';
import type { Facts } from '../facts.ts';

/** What every resource compares. */
export interface Comparison {
  readonly before: Facts;
  readonly after: Facts;
  /** The instance was restarted between the two. */
  readonly restarted: boolean;
  readonly intent: Intent;
}

/** Whether the command names the removal of what brought this file or bears this name. */
export function isRemoved(comparison: Comparison, file: string | null, ...names: readonly string[]): boolean {
  const { before, intent } = comparison;
  const owner = file === null ? undefined : before.packaged?.[file];
  return isRemovalOf(intent, owner, ...names);
}
