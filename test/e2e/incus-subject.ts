import { execa } from 'execa';

import { systemClock } from '../../src/clock.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { closeIncus, openIncus } from '../../src/platform/incus/http/client.ts';
import { findSocket } from '../../src/platform/incus/remote/socket.ts';
import type { Subject } from '../incus/conformance.ts';

const image = process.env['GUARD_TEST_IMAGE'] ?? 'guard-debian';

/** Runs the `incus` command on the daemon of the tests; rejects when it fails. It reads YAML from a stdin that is a pipe. */
export const incusCommand = async (...words: string[]): Promise<string> =>
  (await execa('incus', words, { stdin: 'ignore' })).stdout;

/** Starts a new container; a left-over of the same name goes first. */
export const launch = async (name: string, ...more: string[]): Promise<void> => {
  await remove(name);
  await incusCommand('launch', image, name, ...more);
};

/** Removes a container of the tests, whatever its state. */
export const remove = async (name: string, project = 'default'): Promise<void> => {
  await execa('incus', ['delete', '--force', name, '--project', project], { reject: false, stdin: 'ignore' });
};

/** A new container as the subject of the conformance suite. */
export const subject = async (instance: string): Promise<Subject> => {
  await launch(instance);
  return { socket: findSocket(process.env).socket, instance, close: () => remove(instance) };
};

/** The daemon of the tests; `seen` collects the requests. */
export const openTestIncus = (): { platform: Platform; seen: string[]; close: () => void } => {
  const seen: string[] = [];
  const platform = openIncus({
    socket: findSocket(process.env).socket,
    project: 'default',
    clock: systemClock,
    onRequest: ({ method, path }) => seen.push(`${method} ${path}`),
  });
  return { platform, seen, close: () => closeIncus(platform) };
};
