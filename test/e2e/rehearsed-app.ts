import { afterAll, beforeAll, expect } from 'vitest';
import { guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { remove } from './incus-subject.ts';
import { copies, launchApp } from './rehearsal-subject.ts';

/** An instance with the web server for all tests of a file, and the guard that rehearses on it. */
export const rehearsedApp = (instance: string) => {
  const subject = {
    /** Set before the first test, like the address of the instance. */
    guard: undefined as unknown as GuardUnderTest,
    address: '',
    quickly: ['--soak', '0s', '--verify-timeout', '20s'],
    sh: (script: string): string[] => [instance, '--', 'sh', '-c', script],
    leavesNothing: async (): Promise<void> => {
      expect(await copies()).toEqual([]);
      expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
      expect(await statusOf(instance)).toBe('Running');
    },
  };

  beforeAll(async () => {
    subject.guard = await guardUnderTest();
    subject.address = await launchApp(instance);
  });

  afterAll(async () => {
    await remove(instance);
    await remove(instance, 'guard-rehearsal');
    await subject.guard.remove();
  });

  return subject;
};
