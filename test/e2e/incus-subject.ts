import { execa } from 'execa';

import { systemClock } from '../../src/clock.ts';
import { openIncusPlatform, type OpenPlatform } from '../../src/platform/incus/incus.ts';
import { findSocket } from '../../src/platform/incus/remote/socket.ts';
import type { Subject } from '../platform/conformance.ts';

const image = process.env['GUARD_TEST_IMAGE'] ?? 'guard-debian';

/** Runs the `incus` command on the daemon of the tests; rejects when it fails. It reads YAML from a stdin that is a pipe. */
export const incusCommand = async (...words: string[]): Promise<string> =>
  (await execa('incus', words, { stdin: 'ignore' })).stdout;

/** Whether the server of the tests has an extension of the interface. What a server can is asked so, never by its version. */
export const hasExtension = async (name: string): Promise<boolean> =>
  (JSON.parse(await incusCommand('query', '/1.0')) as { api_extensions: string[] }).api_extensions.includes(name);

/** Starts a new container; a left-over of the same name goes first. */
export const launch = async (name: string, ...more: string[]): Promise<void> => {
  await remove(name);
  await incusCommand('launch', image, name, ...more);
};

/** Removes a container of the tests, whatever its state. */
export const remove = async (name: string, project = process.env['INCUS_PROJECT'] ?? 'default'): Promise<void> => {
  await execa('incus', ['delete', '--force', name, '--project', project], { reject: false, stdin: 'ignore' });
};

/** A new container with a volume as the subject of the conformance suite. */
export async function subject(instance: string): Promise<Subject> {
  const volume = { pool: 'default', name: `${instance}-data` };
  await launch(instance);
  await execa('incus', ['storage', 'volume', 'delete', volume.pool, volume.name], { reject: false, stdin: 'ignore' });
  await incusCommand('storage', 'volume', 'create', volume.pool, volume.name);
  await incusCommand('storage', 'volume', 'attach', volume.pool, volume.name, instance, 'data', '/data');
  const { platform, close } = openTestIncus();
  return {
    platform,
    instance,
    volume,
    hasGenerations: await hasExtension('instance_generation_id'),
    close: async () => {
      close();
      await remove(instance);
      await incusCommand('storage', 'volume', 'delete', volume.pool, volume.name);
    },
  };
}

/** The daemon of the tests; `seen` collects the requests. */
export function openTestIncus(): OpenPlatform & { readonly seen: string[] } {
  const seen: string[] = [];
  const opened = openIncusPlatform({
    socket: findSocket(process.env).socket,
    project: 'default',
    clock: systemClock,
    onRequest: ({ method, path }) => seen.push(`${method} ${path}`),
  });
  return { ...opened, seen };
}
