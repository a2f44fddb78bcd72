import { defineConfig } from 'vitest/config';

// Kinds of test: `unit` needs nothing, `e2e` a real Incus (test/host); `faults` kills daemons and fills disks of an Incus of
// its own, takes many minutes, and has its own command; so has `docs`, which does what all pages of the documentation say.
// Corpus and chaos are programs of their own.
const faults = ['faults', 'postgresql-volume', 'link-cut'].map((name) => `test/e2e/${name}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 1 },
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/e2e/**',
            'test/page/**',
            'test/hooks/**',
            'test/packages/**',
            'test/rollouts/**',
            'test/corpus/**',
            'test/mutations/**',
            'test/chaos/**',
            'test/servers/**',
          ],
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
          // The same tests, against a remote (test/remote/run.sh). What is left out and why: test/README.md.
          name: 'remote',
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          exclude: [
            'test/e2e/{faults,host,remote,requests,refusal-socket,inconsistent-snapshots,free-space,postgresql-volume,bench-smoke,rehearsal,confirm-systemd}.test.ts',
            'test/e2e/{incus-*,agent*,hook,hook-*,corpus-*,mutations-*,chaos-*}.test.ts',
          ],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
          retry: 1,
        },
      },
      {
        test: {
          // Pages in Debian's Chromium.
          name: 'page',
          sequence: { groupOrder: 1 },
          include: ['test/page/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'docs',
          sequence: { groupOrder: 4 },
          include: ['test/docs/*.docs.ts'],
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
      {
        test: {
          // Many containers, guard killed at random moments, Ansible: has its own command.
          name: 'rollouts',
          sequence: { groupOrder: 5 },
          include: ['test/rollouts/**/*.test.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          // On Incus 6.0, Incus 7.0 and LXD 5.0, one after another: test/servers/run.sh brings them up.
          name: 'servers',
          sequence: { groupOrder: 4 },
          include: ['test/servers/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'packages',
          sequence: { groupOrder: 4 },
          include: ['test/packages/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'hooks',
          sequence: { groupOrder: 4 },
          include: ['test/hooks/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
          retry: 1,
        },
      },
    ],
  },
});
