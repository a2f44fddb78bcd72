import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/clock.ts';
import { boundedText } from '../../src/platform/bounded-text.ts';
import type { InstanceEvent, Platform } from '../../src/platform/platform.ts';
import { openIncusPlatform } from '../../src/platform/incus/incus.ts';
import type { RemoteConfig } from '../../src/platform/incus/remote/client-config.ts';
import { type Remote, openRemote } from '../../src/platform/incus/remote/remote.ts';
import { describeConformance, failure, value } from '../platform/conformance.ts';
import { bringUp, incus as incusOn, killDaemon, startDaemon, takeDown, type Host } from '../host/host.ts';

// Tests that kill their daemon, or that reach it as a remote: on a host of their own.

let host: Host;
let platform: Platform;
let close: () => void;
const instance = 'ad-daemon';
const limit = { limitMs: 60_000 };

beforeAll(async () => {
  // Two test runs on one machine do not get into each other's way.
  host = await bringUp({ name: `ad-${Date.now().toString(36)}` });
  ({ platform, close } = openIncusPlatform({ socket: host.socket, project: 'default', clock: systemClock }));
  await incusOn(host, 'launch', 'guard-debian', instance);
});
afterAll(async () => {
  close();
  await takeDown(host);
});

describe('a daemon that is killed', () => {
  it('under a command leaves its end unknown: it goes on inside (F12)', async () => {
    const stdout = new PassThrough();
    const command = ['sh', '-c', 'echo begun; while [ ! -e /root/go ]; do sleep 0.1; done; echo x >>/root/proof'];
    const request = { command, environment: {}, terminal: null };
    const exec = value(await platform.startExec(instance, request, { stdin: null, stdout, stderr: stdout }));
    await once(stdout, 'data');
    await killDaemon(host);
    await untilUnreachable();
    await startDaemon(host);
    const lost = failure(await exec.ended);
    expect(lost).toMatchObject({ kind: 'connection-lost', operation: exec.operation });
    expect(lost.detail).toContain('may still run inside');
    await inside('touch', '/root/go');
    while ((await inside('cat', '/root/proof')) === '') await delay(50);
    expect(await inside('cat', '/root/proof')).toBe('x');
  });

  it('during a restore leaves its end unknown; when it is back it knows nothing of it, and the instance can be started', async () => {
    value(await platform.createSnapshot(instance, { name: 'k', expiresAt: null }, limit));
    const { restoring } = await restoreUnderWay('k');
    await killDaemon(host);
    const lost = failure(await restoring);
    expect(lost).toMatchObject({ kind: 'connection-lost', code: null });
    const settling = platform.settle(lost.operation ?? '', { purpose: 'restore', ...limit });
    await startDaemon(host);
    expect(value(await settling)).toEqual({ kind: 'gone' });
    value(await platform.startInstance(instance, limit));
    value(await platform.deleteSnapshot(instance, 'k', limit));
  });

  it('ends the stream of events, and says so', async () => {
    const stream = value(await platform.followInstances(() => {}));
    await killDaemon(host);
    expect(failure(await stream.ended).kind).toBe('connection-lost');
    await startDaemon(host);
  });
});

describe('events', () => {
  it('tell of a restore, and end when they are closed', async () => {
    value(await platform.createSnapshot(instance, { name: 'e', expiresAt: null }, limit));
    const events: InstanceEvent[] = [];
    const stream = value(await platform.followInstances((event) => events.push(event)));
    value(await platform.restoreSnapshot(instance, 'e', limit));
    while (!events.some((event) => event.instance === instance)) await delay(20);
    stream.close();
    value(await stream.ended);
    value(await platform.deleteSnapshot(instance, 'e', limit));
  });
});

describe('a remote that does not exist', () => {
  it('is told as the incus command tells it', async () => {
    const { env } = host;
    const unknown = failure(await openRemote({ remote: 'nowhere', environment: all(env), ...remoteLimit }));
    expect(unknown).toMatchObject({ kind: 'unreachable', purpose: 'reach the remote nowhere' });
    expect(unknown.detail).toContain('remote');
    expect(unknown.advice).toContain('`incus list nowhere:`');
  });

  it('cannot be reached without the incus command', async () => {
    const environment = { ...all(host.env), PATH: '/nonexistent' };
    const missing = failure(await openRemote({ remote: 'nowhere', environment, ...remoteLimit }));
    expect(missing.advice).toContain('install');
  });
});

describe('a remote that lxc knows', () => {
  const folder = (): string => host.env['INCUS_CONF'] ?? '';
  const reachable = async (): Promise<RemoteConfig> => {
    await (await far()).close();
    const [line = ''] = (await incusOn(host, 'remote', 'list', '--format', 'csv'))
      .split('\n')
      .filter((one) => one.startsWith('far,'));
    const address = line.split(',')[1] ?? '';
    return { product: 'LXD', folder: folder(), source: folder(), address, project: '', protocol: 'lxd', public: false };
  };
  const open = (lxd: RemoteConfig, remote = 'far') =>
    openRemote({ remote, lxd, environment: all(host.env), clock: systemClock, limitMs: 10_000 });

  it('is reached with the certificates of lxc, and commands run in it', async () => {
    const remote = value(await open(await reachable()));
    const opened = openIncusPlatform({ product: 'LXD', socket: remote.socket, project: 'default', clock: systemClock });
    const question = { command: ['sh', '-c', 'cat; exit 3'], stdin: 'over TLS', limitMs: 30_000, maxBytes: 1000 };
    expect(value(await opened.platform.query(instance, question))).toMatchObject({ stdout: 'over TLS', status: 3 });
    opened.close();
    await remote.close();
  });

  it('is refused if its certificate is not the accepted one, or there is none of this client', async () => {
    const config = await reachable();
    const other = await mkdtemp(join(tmpdir(), 'guard-lxc-'));
    await mkdir(join(other, 'servercerts'));
    for (const file of ['client.crt', 'client.key']) await copyFile(join(folder(), file), join(other, file));
    await copyFile(join(folder(), 'client.crt'), join(other, 'servercerts', 'far.crt'));
    const wrong = failure(await open({ ...config, folder: other, source: other }));
    expect(wrong).toMatchObject({ kind: 'unreachable', purpose: 'reach the remote far' });
    expect(wrong.detail).toContain('another certificate');
    expect(wrong.advice).toContain('`lxc list far:`');
    // A remote of the system: its configuration has the certificate of the server, and the user's that of the client.
    const ofSystem = failure(await open({ ...config, source: other }));
    expect(ofSystem.detail).toContain('another certificate');
    await rm(other, { recursive: true });
    expect(failure(await open({ ...config, folder: other })).detail).toContain('no client.crt');
  });
});

describe('a remote whose proxy dies', () => {
  it('is reached again through the same socket', async () => {
    const remote = await far();
    const { platform: client, close: closeClient } = openIncusPlatform({
      socket: remote.socket,
      project: 'default',
      clock: systemClock,
    });
    const exec = value(await client.startExec(instance, sleeping, nowhere()));
    const pid = (await execa('pgrep', ['-f', `incus remote proxy far: ${remote.socket}`])).stdout.trim();
    process.kill(Number(pid), 'SIGKILL');
    // The server killed the command when its connections went; that is what is told, once the link is back.
    const end = await exec.ended;
    expect(end.ok ? end.value : end.error).toMatchObject(
      end.ok ? { kind: 'exited', status: 137, outputLost: true } : { kind: 'connection-lost' },
    );
    value(await client.getInstance(instance));
    closeClient();
    await remote.close();
    expect(failure(await client.getInstance(instance)).kind).toBe('unreachable');
  });
});

describeConformance(
  'a remote over HTTPS',
  async () => {
    const { socket, close } = await far();
    const opened = openIncusPlatform({ socket, project: 'default', clock: systemClock });
    const volume = { pool: 'default', name: '' };
    const end = async (): Promise<void> => (opened.close(), close());
    return { platform: opened.platform, instance, volume, hasGenerations: true, close: end };
  },
  { volumesAndEvents: false },
);

const sleeping = { command: ['sleep', '600'], environment: {}, terminal: null };
const nowhere = () => ({ stdin: null, stdout: boundedText(0).sink, stderr: boundedText(0).sink });

/** The host's own daemon as a remote, over HTTPS on the loopback, with a certificate of its own. */
const far = async (): Promise<Remote> => {
  const known = await incusOn(host, 'remote', 'list', '--format', 'csv');
  if (!known.includes('far,')) {
    await incusOn(host, 'config', 'set', 'core.https_address', `127.0.0.1:${await freePort()}`);
    const token = (await incusOn(host, 'config', 'trust', 'add', 'runner', '--quiet')).trim().split('\n').at(-1) ?? '';
    await incusOn(host, 'remote', 'add', 'far', token, '--accept-certificate');
  }
  return value(await openRemote({ remote: 'far', environment: all(host.env), ...remoteLimit }));
};

const remoteLimit = { clock: systemClock, limitMs: 30_000 };

const all = (environment: Readonly<Record<string, string>>) => ({ ...process.env, ...environment });

const inside = async (...command: string[]): Promise<string> =>
  value(await platform.query(instance, { command, limitMs: 30_000, maxBytes: 1000 })).stdout.trim();

/** A daemon that was just killed may still take a connection. */
const untilUnreachable = async (): Promise<void> => {
  while (failure(await platform.getInstance(instance)).kind !== 'unreachable') await delay(10);
};

/** A restore that is under way at this moment; one that was over before anybody saw it is begun again. */
const restoreUnderWay = async (
  name: string,
): Promise<{ readonly restoring: ReturnType<Platform['restoreSnapshot']> }> => {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const restore = { over: false };
    const restoring = platform.restoreSnapshot(instance, name, limit).finally(() => {
      restore.over = true;
    });
    while (!restore.over) {
      const operations = value(await platform.listOperations());
      if (operations.some(({ isRunning, activity }) => isRunning && activity === 'restore')) return { restoring };
    }
  }
  throw new Error('no restore was seen under way in 20 attempts');
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
};
