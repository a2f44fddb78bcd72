import { describe, expect, test } from 'vitest';
import type { LifecycleCommands } from '../../../src/lifecycle-command.ts';
import type { ChangeTraits } from '../../../src/run/plan.ts';
import { mustQuiesce } from '../../../src/run/restore-point/quiesce.ts';

const command: ChangeTraits = { executesCommand: true, packageManagerWaits: false };
const transaction: ChangeTraits = { executesCommand: false, packageManagerWaits: true };
const hook = [{ kind: 'host', command: ['true'], environment: {}, timeoutMs: 1 }] as const;

describe('an instance is held still for its restore point', () => {
  test.each<[string, LifecycleCommands, boolean]>([
    ['no hooks', {}, false],
    ['hooks of the end alone', { afterKeep: hook, beforeRollback: hook }, false],
    ['one that holds', { beforeRestorePoint: hook }, true],
    ['one that lets go', { afterRestorePoint: hook }, true],
  ])('%s', (_name, hooks, state) => {
    expect(mustQuiesce({ hooks, stopFirst: false, change: command }, true)).toBe(state);
    // What does not run is at rest.
    expect(mustQuiesce({ hooks, stopFirst: true, change: command }, false)).toBe(false);
  });

  test('by a stop, but never under a package manager that waits inside', () => {
    expect(mustQuiesce({ hooks: {}, stopFirst: true, change: command }, true)).toBe(true);
    expect(mustQuiesce({ hooks: {}, stopFirst: true, change: transaction }, true)).toBe(false);
  });
});
