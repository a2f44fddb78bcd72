import { randomBytes } from 'node:crypto';

import { execa } from 'execa';

import { systemClock } from '../../src/clock.ts';

/** The server that test/servers/run.sh has brought up: incus6, incus7 or lxd5. */
export const server = process.env['GUARD_TEST_SERVER'] ?? '';

/** Runs a command inside, once more where a loaded server ended it before its client was connected. */
export async function inside(name: string, ...command: readonly string[]): Promise<string> {
  const exec = (): Promise<string> => incus('exec', name, '--', ...command);
  return exec().catch((error: unknown) => {
    if (!String(error).includes('bad handshake')) throw error;
    return exec();
  });
}

/** Runs the client of the server and gives its output; rejects when it fails. */
export async function incus(...words: readonly string[]): Promise<string> {
  // The client of LXD has a wrapper that speaks the words of `incus`.
  const { stdout } = await execa('incus', words, { env: { INCUS_SOCKET: undefined }, stdin: 'ignore' });
  return stdout;
}

/** A container that has booted, with a file /srv/app of version `v1`. It is removed by `removeContainer`. */
export async function launchContainer(): Promise<string> {
  const name = `servers-${randomBytes(3).toString('hex')}`;
  await incus('launch', 'guard-debian', name);
  await untilBooted(name);
  await inside(name, 'sh', '-c', 'echo v1 >/srv/app');
  return name;
}

export async function removeContainer(name: string): Promise<void> {
  await incus('delete', '--force', name);
}

export async function readInside(name: string, path: string): Promise<string> {
  return inside(name, 'cat', path);
}

export async function untilBooted(name: string): Promise<void> {
  const end = systemClock.monotonic() + 120_000;
  for (;;) {
    const state = await inside(name, 'systemctl', 'is-system-running').catch((error: unknown) =>
      String((error as { stdout?: unknown }).stdout),
    );
    if (/^(running|degraded)$/m.test(state)) return;
    if (systemClock.monotonic() > end) throw new Error(`${name} does not boot: ${state}`);
    await systemClock.sleep(200);
  }
}
