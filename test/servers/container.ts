import { randomBytes } from 'node:crypto';

import type { GuardUnderTest } from '../e2e/guard.ts';
import { incus, waitFor, type Host } from '../host/host.ts';

/** Runs a command inside, once more where a loaded server ended it before its client was connected. */
export async function inside(host: Host, name: string, ...command: readonly string[]): Promise<string> {
  const exec = (): Promise<string> => incus(host, 'exec', name, '--', ...command);
  return exec().catch((error: unknown) => {
    if (!String(error).includes('bad handshake')) throw error;
    return exec();
  });
}

/** A container that has booted, with a file /srv/app of version `v1`. It is removed by `removeContainer`. */
export async function launchContainer(host: Host, ...words: readonly string[]): Promise<string> {
  const name = `servers-${randomBytes(3).toString('hex')}`;
  await incus(host, 'launch', 'guard-debian', name, ...words);
  await untilBooted(host, name);
  await inside(host, name, 'sh', '-c', 'echo v1 >/srv/app');
  return name;
}

export async function removeContainer(host: Host, name: string): Promise<void> {
  await incus(host, 'delete', '--force', name);
}

export async function readInside(host: Host, name: string, path: string): Promise<string> {
  return inside(host, name, 'cat', path);
}

export async function untilBooted(host: Host, name: string): Promise<void> {
  const state = (): Promise<string> =>
    inside(host, name, 'systemctl', 'is-system-running').catch((error: unknown) =>
      String((error as { stdout?: unknown }).stdout),
    );
  await waitFor(async () => /^(running|degraded)$/m.test(await state()), { limitMs: 120_000 });
}

/** The same guard, against this server. */
export function guardOn(host: Host, guard: GuardUnderTest): GuardUnderTest {
  return {
    ...guard,
    start: (words, options) => guard.start(words, { ...options, env: { ...host.env, ...options?.env } }),
    run: (words, options) => guard.run(words, { ...options, env: { ...host.env, ...options?.env } }),
  };
}
