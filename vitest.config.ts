import { defineConfig } from 'vitest/config';

// Kinds of test. `unit` needs nothing, `e2e` a real Incus (test/host). With commands of their own, because they take many
// minutes: `long` has what `e2e` has less of; `faults` kills daemons and fills disks of an Incus of its own; `docs` does what
// all pages of the documentation say. Corpus and chaos are programs of their own.
const long = [
  'rehearsal-copy',
  'rehearsal-upgrades',
  'rehearsal-remote',
  'free-space',
  'untrusted',
  'bench-smoke',
  'states',
].map((name) => `test/e2e/${name}.test.ts`);
const faults = ['faults', 'postgresql-volume', 'link-cut'].map((name) => `test/e2e/${name}.test.ts`);

const setupFiles = ['test/environment.ts'];
const serverSetup = [...setupFiles, 'test/host/setup.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
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
          setupFiles: serverSetup,
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...faults, ...long],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          // With four the run takes half the time, and on two cores Incus then loses the output of a command now and then.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'long',
          setupFiles: serverSetup,
          sequence: { groupOrder: 3 },
          include: long,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          // The tests of rehearsals count all copies of the server.
          maxWorkers: 1,
        },
      },
      {
        test: {
          // The same tests, against a remote (test/remote/run.sh). What is left out and why: test/README.md.
          name: 'remote',
          setupFiles: serverSetup,
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          exclude: [
            'test/e2e/{faults,host,remote,servers-smoke,two-servers,requests,refusal-socket,inconsistent-snapshots,free-space,postgresql-volume,bench-smoke,rehearsal,rehearsal-copy,rehearsal-upgrades,rehearsal-remote,confirm-systemd}.test.ts',
            'test/e2e/{incus-*,agent*,hook,hook-*,corpus-*,mutations-*,chaos-*}.test.ts',
          ],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          // Pages in Debian's Chromium.
          name: 'page',
          setupFiles,
          sequence: { groupOrder: 1 },
          include: ['test/page/**/*.test.ts'],
          // Times on the pages are the same everywhere.
          env: { TZ: 'UTC' },
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: 'docs',
          setupFiles: serverSetup,
          sequence: { groupOrder: 4 },
          include: ['test/docs/*.docs.ts'],
        },
      },
      {
        test: {
          name: 'faults',
          setupFiles: serverSetup,
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
          setupFiles: serverSetup,
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
          setupFiles: serverSetup,
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
          setupFiles: serverSetup,
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
          setupFiles: serverSetup,
          sequence: { groupOrder: 4 },
          include: ['test/hooks/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
