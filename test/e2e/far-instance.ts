import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { bringUp, incus, takeDown, waitFor, type Host } from '../host/host.ts';
import { addRemote, type RemoteHost } from '../host/remote.ts';
import { guardUnderTest, type GuardUnderTest, type Started } from './guard.ts';

/**
 * An instance that a runner which is not the Incus host guards: it knows the daemon as the remote `far`, over HTTPS. On a
 * host of its own, whose link and daemon may be cut.
 */
export interface FarInstance {
  readonly host: Host;
  readonly remote: RemoteHost;
  readonly guard: GuardUnderTest;
  readonly inside: (script: string) => Promise<string>;
  /** Names of its snapshots. */
  readonly snapshots: () => Promise<string[]>;
  /** Starts a guarded `sh -c script`, and waits until its events hold this text. */
  readonly started: (
    script: string,
    text: string,
    ...options: string[]
  ) => Promise<{ readonly guard: Started; readonly seen: () => string }>;
}

/** Brings it up before the tests of the file, and takes it away after them. */
export const withFarInstance = (instance: string, isUp: (far: FarInstance) => void): void => {
  let host: Host;
  let remote: RemoteHost;
  let guard: GuardUnderTest;
  beforeAll(async () => {
    host = await bringUp({ name: `rm-${Date.now().toString(36)}` });
    remote = await addRemote(host);
    guard = await guardUnderTest();
    await incus(host, 'launch', 'guard-debian', instance);
    await waitFor(async () => (await guard.run(['check', `far:${instance}`], { env: remote.env })).status === 0);
    // Short limits, so that a link that stays down is given up before a test is.
    const folder = join(guard.stateDirectory, 'guard');
    await mkdir(folder);
    await writeFile(
      join(folder, 'guard.yaml'),
      'defaults: { soak: 0s, startTimeout: 20s, restoreTimeout: 20s, restorePointTimeout: 20s }\n',
    );
    isUp({
      host,
      remote,
      guard,
      inside: (script) => incus(host, 'exec', instance, '--', 'sh', '-c', script),
      snapshots: async () => {
        const text = await incus(host, 'query', `/1.0/instances/${instance}/snapshots?recursion=1`);
        return (JSON.parse(text) as { name: string }[]).map(({ name }) => name);
      },
      started: async (script, text, ...options) => {
        const words = ['--json', '--retry', ...options, `far:${instance}`, '--', 'sh', '-c', script];
        const run = guard.start(words, { env: remote.env });
        let seen = '';
        run.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
        await waitFor(() => seen.includes(text));
        return { guard: run, seen: () => seen };
      },
    });
  });
  afterAll(async () => {
    await remote.close();
    await guard.remove();
    await takeDown(host);
  });
};
