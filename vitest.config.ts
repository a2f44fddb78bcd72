import { defineConfig } from 'vitest/config';

// Kinds of test: `unit` needs nothing, `e2e` a real Incus (test/host); `faults` kills daemons and fills disks of an Incus of
// its own, takes many minutes, and has its own command. Corpus and chaos are programs of their own.
const faults = ['test/e2e/faults.test.ts', 'test/e2e/postgresql-volume.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 1 },
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/corpus/**', 'test/chaos/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          exclude: faults,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
          // Once more where a loaded machine let a websocket's or an operation's own limit of Incus pass.
          retry: 1,
        },
      },
      {
        test: {
          name: 'faults',
          sequence: { groupOrder: 3 },
          include: faults,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
