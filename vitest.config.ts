import { defineConfig } from 'vitest/config';

// Three kinds of test: `unit` needs nothing, `e2e` a real Incus (test/host), `corpus` a real Incus and many minutes.
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
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
          // Once more where a loaded machine let a websocket's or an operation's own limit of Incus pass.
          retry: 1,
        },
      },
    ],
  },
});
