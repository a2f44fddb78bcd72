import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startAgent } from '../e2e/agent-under-test.ts';
import { guardUnderTest, type GuardUnderTest } from '../e2e/guard.ts';
import { addRemote } from '../host/remote.ts';
import { bringUp, incus, waitFor, type Host } from '../host/host.ts';
import { guardOn, inside, launchContainer, readInside, removeContainer } from './container.ts';

const quickly = ['--soak', '0s'];

/** What guard is for, once on this server. The server is brought up and stays up: the first time takes minutes. */
export function smokeTests(server: string, hostName: string): void {
  describe(`guard on ${server}`, () => {
    let host: Host;
    let guard: GuardUnderTest;
    let name: string;
    beforeAll(async () => {
      host = await bringUp({ name: hostName });
      guard = guardOn(host, await guardUnderTest());
      name = await launchContainer(host);
    }, 600_000);
    afterAll(async () => {
      await removeContainer(host, name);
      await guard.remove();
    });

    const snapshots = (): Promise<string> => incus(host, 'query', `/1.0/instances/${name}/snapshots`);
    const read = (path: string): Promise<string> => readInside(host, name, path);

    test('rolls back a change that fails, and keeps a copy of the failed state', async () => {
      const command = ['sh', '-c', 'echo v2 >/srv/app; exit 7'];
      const { status, stderr } = await guard.run(['run', ...quickly, name, '--keep-failed', '--', ...command]);
      expect({ status, stderr }).toMatchObject({ status: 10 });
      expect(await read('/srv/app')).toBe('v1');
      const listed = await incus(host, 'list', '--format', 'csv', '-c', 'n');
      const copy = new RegExp(`^${name}-failed-.*`, 'm').exec(listed)?.[0];
      expect(copy).toBeDefined();
      await removeContainer(host, copy ?? '');
    });

    test('rehearses a change on a copy', async () => {
      const good = await guard.run(['rehearse', ...quickly, name, '--', 'true']);
      expect({ good }).toMatchObject({ good: { status: 0 } });
      const bad = await guard.run(['rehearse', ...quickly, name, '--', 'rm', '/srv/app', '/nothing']);
      expect({ bad }).toMatchObject({ bad: { status: 33 } });
      expect(await read('/srv/app')).toBe('v1');
    });

    test('finishes a run whose guard was killed', async () => {
      const running = guard.start(['run', name, '--', 'sh', '-c', 'echo v2 >/srv/app; sync; exec sleep 600']);
      await waitFor(async () => (await read('/srv/app')) === 'v2');
      running.kill('SIGKILL');
      await running;
      const { status, stderr } = await guard.run(['recover', name]);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(await read('/srv/app')).toBe('v1');
      expect(await snapshots()).not.toContain('guard');
    });

    test('keeps a change that leaves the instance healthy', async () => {
      const { status, stderr } = await guard.run(['run', ...quickly, name, '--', 'sh', '-c', 'echo v3 >/srv/app']);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(stderr).not.toContain('not tested with');
      expect(await read('/srv/app')).toBe('v3');
      expect(await snapshots()).toContain('guard-');
    });

    test('guards from a machine that knows the server as a remote, over HTTPS', async () => {
      const before = await read('/srv/app');
      const remote = await addRemote(host);
      const far = `far:${name}`;
      const changing = ['sh', '-c', 'echo far >/srv/app; sync; exec sleep 600'];
      try {
        const failing = ['sh', '-c', 'echo far >/srv/app; exit 7'];
        const rolledBack = await guard.run(['run', ...quickly, far, '--', ...failing], { env: remote.env });
        expect({ rolledBack }).toMatchObject({ rolledBack: { status: 10 } });
        expect(await read('/srv/app')).toBe(before);
        const running = guard.start(['run', far, '--', ...changing], { env: remote.env });
        await waitFor(async () => (await read('/srv/app')) === 'far');
        running.kill('SIGKILL');
        await running;
        const recovered = await guard.run(['recover', far], { env: remote.env });
        expect({ recovered }).toMatchObject({ recovered: { status: 0 } });
        expect(await read('/srv/app')).toBe(before);
        const kept = await guard.run(['run', ...quickly, far, '--', 'true'], { env: remote.env });
        expect({ kept }).toMatchObject({ kept: { status: 0 } });
      } finally {
        await remote.close();
      }
    });

    test('goes back to a kept restore point', async () => {
      const before = await read('/srv/app');
      const change = ['sh', '-c', 'echo v5 >/srv/app'];
      const kept = await guard.run(['run', ...quickly, name, '--', ...change]);
      expect({ kept }).toMatchObject({ kept: { status: 0 } });
      const { status, stderr } = await guard.run(['rollback', '-y', name]);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(await read('/srv/app')).toBe(before);
    });

    test('guards a package that apt installs inside', async () => {
      await inside(host, name, 'sh', '-ec', brokenPackage);
      expect(await guard.run(['hook', 'install', name])).toMatchObject({ status: 0 });
      const agent = await startAgent(guard, agentConfiguration);
      try {
        await agent.saw('relay-up', { instance: name });
        const apt = ['exec', name, '--', 'apt-get', 'install', '-y', '-qq', '/root/broken.deb'];
        await execa('incus', apt, { env: host.env, stdin: 'ignore', reject: false });
        await agent.saw('transaction-ended', { instance: name, outcome: 'rolled-back' });
      } finally {
        await agent.end('SIGTERM');
      }
      expect(await inside(host, name, 'sh', '-c', 'dpkg -s broken 2>&1 || true')).toContain('not installed');
      expect(await read('/srv/app')).toBe('v3');
    });
  });
}

/** A package that installs without an error, and breaks what the check of the agent asks for. */
const brokenPackage = `
  mkdir -p /root/broken/DEBIAN
  cd /root
  printf 'Package: broken\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <nobody@localhost>\\nDescription: of the tests\\n' >broken/DEBIAN/control
  printf '#!/bin/sh\\nrm -f /srv/app\\n' >broken/DEBIAN/postinst
  chmod 755 broken/DEBIAN/postinst
  dpkg-deb --root-owner-group -b broken >/dev/null`;

const agentConfiguration = `
defaults:
  soak: 0s
  verifyTimeout: 5s
  checks:
    whole: { exec: [test, -e, /srv/app], timeout: 1s, interval: 100ms, retries: 1 }
`;
