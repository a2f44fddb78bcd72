import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/clock.ts';
import { runProbe } from '../../src/incus/exec-query.ts';
import { closeIncus, openIncus, type Incus } from '../../src/incus/client.ts';
import { describeFailure } from '../../src/incus/failure.ts';
import { deleteFile, makeDirectory, makeLink, pullFile, pushFile } from '../../src/incus/files.ts';
import { getInstance, listInstanceNames, stopInstance } from '../../src/incus/instance.ts';
import { getProjectConfig } from '../../src/incus/server.ts';
import { createSnapshot, listSnapshots } from '../../src/incus/snapshot.ts';
import { findSocket } from '../../src/incus/socket.ts';
import { failure, value } from '../incus/conformance.ts';
import { incusCommand, launch, openTestIncus, remove } from './incus-subject.ts';

const limit = { limitMs: 60_000 };

describe('files', () => {
  const instance = 'ad-files';
  let incus: Incus;
  let close: () => void;
  beforeAll(async () => {
    ({ incus, close } = openTestIncus());
    await launch(instance);
  });
  afterAll(async () => {
    close();
    await remove(instance);
  });
  const inside = async (...command: string[]): Promise<string> =>
    value(await runProbe(incus, instance, { command, limitMs: 60_000, maxBytes: 100_000 })).stdout.trim();

  it('arrive with their owner and mode, folders and links too', async () => {
    const owner = { user: 33, group: 34, mode: 0o750, ...limit };
    value(await makeDirectory(incus, instance, '/srv/a folder', owner));
    value(await makeDirectory(incus, instance, '/srv/a folder', owner));
    value(await pushFile(incus, instance, '/srv/a folder/ünï $x', 'one', owner));
    value(await pushFile(incus, instance, '/srv/a folder/ünï $x', 'two', owner));
    value(await makeLink(incus, instance, '/srv/a folder/link', 'ünï $x', limit));
    expect(await inside('stat', '-c', '%u %g %a', '/srv/a folder', '/srv/a folder/ünï $x')).toBe(
      '33 34 750\n33 34 750',
    );
    expect(await inside('cat', '/srv/a folder/link')).toBe('two');
    expect(failure(await pullFile(incus, instance, '/srv/a folder', { maxBytes: 1000, ...limit }))).toMatchObject({
      kind: 'invalid',
      said: 'it is a folder.',
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
    value(await pushFile(incus, instance, '/srv/large', createReadStream(join(folder, 'large')), limit));
    clearInterval(timer);
    expect(await inside('stat', '-c', '%s', '/srv/large')).toBe('200000000');
    expect(most - before).toBeLessThan(100_000_000);
    await rm(folder, { recursive: true });
  });

  it('need a folder, say so when it is missing, and work on an instance that is stopped', async () => {
    const missing = failure(await pushFile(incus, instance, '/no/such/folder/file', 'x', limit));
    expect(missing.kind).toBe('not-found');
    value(await stopInstance(incus, instance, { force: true, ...limit }));
    value(await pushFile(incus, instance, '/root/while-stopped', 'x', { mode: 0o600, ...limit }));
    const pulled = value(await pullFile(incus, instance, '/root/while-stopped', { maxBytes: 10, ...limit }));
    expect({ ...pulled, content: pulled.content.toString() }).toEqual({ content: 'x', user: 0, group: 0, mode: 0o600 });
    value(await deleteFile(incus, instance, '/root/while-stopped', limit));
    expect(value(await getInstance(incus, instance)).status).toBe('Stopped');
  });
});

describe('a project that is restricted', () => {
  const project = 'ad-restricted';
  const instance = 'ad-inside';
  let incus: Incus;
  beforeAll(async () => {
    await remove(instance, project);
    await incusCommand('project', 'delete', project).catch(() => '');
    const config = ['features.images=false', 'restricted=true'];
    await incusCommand('project', 'create', project, ...config.flatMap((pair) => ['--config', pair]));
    await incusCommand('init', 'guard-debian', instance, '--project', project, '--no-profiles', '--storage', 'default');
    incus = openIncus({ socket: findSocket(process.env).socket, project, clock: systemClock });
  });
  afterAll(async () => {
    closeIncus(incus);
    await remove(instance, project);
    await incusCommand('project', 'delete', project);
  });

  it('refuses snapshots, and the advice says how an administrator allows them', async () => {
    expect(value(await listInstanceNames(incus))).toEqual([instance]);
    expect(value(await getProjectConfig(incus))).toMatchObject({ restricted: 'true' });
    const refused = failure(await createSnapshot(incus, instance, { name: 'no', expiresAt: null }, limit));
    expect(refused.kind).toBe('restricted');
    expect(describeFailure(refused)).toContain(`\`incus project set ${project} restricted.snapshots=allow\``);

    await incusCommand('project', 'set', project, 'restricted.snapshots=allow');
    value(await createSnapshot(incus, instance, { name: 'yes', expiresAt: null }, limit));
    expect(value(await listSnapshots(incus, instance)).map(({ name }) => name)).toEqual(['yes']);
  });
});
