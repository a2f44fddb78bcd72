import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/clock.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { describeFailure } from '../../src/platform/failure.ts';
import { openIncusPlatform } from '../../src/platform/incus/incus.ts';
import { findSocket } from '../../src/platform/incus/remote/socket.ts';
import { failure, value } from '../platform/conformance.ts';
import { client } from './guard.ts';
import { incusCommand, launch, openTestIncus, remove } from './incus-subject.ts';

const limit = { limitMs: 60_000 };

describe('files', () => {
  const instance = 'ad-files';
  let platform: Platform;
  let close: () => void;
  beforeAll(async () => {
    ({ platform, close } = openTestIncus());
    await launch(instance);
  });
  afterAll(async () => {
    close();
    await remove(instance);
  });
  /** Incus sometimes loses the output of a command under load, and says so: then it is asked again, as guard does. */
  const inside = async (...command: string[]): Promise<string> => {
    const ask = async () => value(await platform.query(instance, { command, limitMs: 60_000, maxBytes: 100_000 }));
    const first = await ask();
    const answer = first.truncated ? await ask() : first;
    expect(answer).toMatchObject({ status: 0, stderr: '', truncated: false });
    return answer.stdout.trim();
  };

  it('arrive with their owner and mode, folders and links too', async () => {
    const owner = { user: 33, group: 34, mode: 0o750, ...limit };
    value(await platform.makeDirectory(instance, '/srv/a folder', owner));
    value(await platform.makeDirectory(instance, '/srv/a folder', owner));
    value(await platform.pushFile(instance, '/srv/a folder/ünï $x', 'one', owner));
    value(await platform.pushFile(instance, '/srv/a folder/ünï $x', 'two', owner));
    value(await platform.makeLink(instance, '/srv/a folder/link', 'ünï $x', limit));
    expect(await inside('stat', '-c', '%u %g %a', '/srv/a folder', '/srv/a folder/ünï $x')).toBe(
      '33 34 750\n33 34 750',
    );
    expect(await inside('cat', '/srv/a folder/link')).toBe('two');
    expect(failure(await platform.pullFile(instance, '/srv/a folder', { maxBytes: 1000, ...limit }))).toMatchObject({
      kind: 'invalid',
      detail: 'it is a folder.',
    });
    expect(await inside('readlink', '/srv/a folder/link')).toBe('ünï $x');
  });

  it('are streamed with flat memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'guard-push-'));
    const handle = await open(join(folder, 'large'), 'w');
    await handle.truncate(200_000_000);
    await handle.close();
    const before = process.memoryUsage.rss();
    let most = before;
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
    value(await platform.pushFile(instance, '/srv/large', createReadStream(join(folder, 'large')), limit));
    clearInterval(timer);
    expect(await inside('stat', '-c', '%s', '/srv/large')).toBe('200000000');
    expect(most - before).toBeLessThan(100_000_000);
    await rm(folder, { recursive: true });
  });

  it('need a folder, say so when it is missing, and work on an instance that is stopped', async () => {
    const missing = failure(await platform.pushFile(instance, '/no/such/folder/file', 'x', limit));
    expect(missing.kind).toBe('not-found');
    value(await platform.stopInstance(instance, { force: true, ...limit }));
    value(await platform.pushFile(instance, '/root/while-stopped', 'x', { mode: 0o600, ...limit }));
    const pulled = value(await platform.pullFile(instance, '/root/while-stopped', { maxBytes: 10, ...limit }));
    expect({ ...pulled, content: pulled.content.toString() }).toEqual({ content: 'x', user: 0, group: 0, mode: 0o600 });
    value(await platform.deleteFile(instance, '/root/while-stopped', limit));
    expect(value(await platform.getInstance(instance)).status).toBe('Stopped');
  });
});

describe('a project that is restricted', () => {
  const project = 'ad-restricted';
  const instance = 'ad-inside';
  let platform: Platform;
  let close: () => void;
  beforeAll(async () => {
    await remove(instance, project);
    await incusCommand('project', 'delete', project).catch(() => '');
    const config = ['features.images=false', 'restricted=true'];
    await incusCommand('project', 'create', project, ...config.flatMap((pair) => ['--config', pair]));
    await incusCommand('init', 'guard-debian', instance, '--project', project, '--no-profiles', '--storage', 'default');
    ({ platform, close } = openIncusPlatform({ socket: findSocket(process.env).socket, project, clock: systemClock }));
  });
  afterAll(async () => {
    close();
    await remove(instance, project);
    await incusCommand('project', 'delete', project);
  });

  it('refuses snapshots, and the advice says how an administrator allows them', async () => {
    expect(value(await platform.listInstanceNames())).toEqual([instance]);
    const refused = failure(await platform.createSnapshot(instance, { name: 'no', expiresAt: null }, limit));
    expect(refused.kind).toBe('restricted');
    expect(describeFailure(refused)).toContain(`\`${client} project set ${project} restricted.snapshots=allow\``);

    await incusCommand('project', 'set', project, 'restricted.snapshots=allow');
    value(await platform.createSnapshot(instance, { name: 'yes', expiresAt: null }, limit));
    expect(value(await platform.listSnapshots(instance)).map(({ name }) => name)).toEqual(['yes']);
  });
});
