import { resolve } from 'node:path';

import { execa } from 'execa';

const script = resolve(import.meta.dirname, '../host/host.sh');

/** A daemon of a test's own, which it may kill. */
export interface Host {
  readonly socket: string;
  /** What points the `incus` command to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly daemon: (what: 'start-daemon' | 'stop-daemon' | 'kill-daemon') => Promise<void>;
  /** Runs the `incus` command on it. */
  readonly incus: (...words: string[]) => Promise<string>;
  readonly down: () => Promise<void>;
}

/** Brings it up (two seconds where another one is up already, minutes on a machine that has never had one). */
export const bringUp = async (name: string): Promise<Host> => {
  const host = (command: string) => execa(script, [command, '--name', name], { stdin: 'ignore' });
  // What a broken test left behind goes first.
  await host('down');
  await host('up');
  const shown = (await host('env')).stdout;
  const environment = Object.fromEntries(
    [...shown.matchAll(/^export (\w+)='([^']*)'$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']),
  );
  return {
    socket: `${environment['INCUS_DIR']}/unix.socket`,
    environment,
    daemon: async (what) => {
      await host(what);
    },
    incus: async (...words) => (await execa('incus', words, { stdin: 'ignore', env: environment })).stdout,
    down: async () => {
      await host('down');
    },
  };
};
