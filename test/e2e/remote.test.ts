import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { beforeEach, describe, expect, test } from 'vitest';
import { incus, killDaemon, startDaemon, waitFor, type Host } from '../host/host.ts';
import { type RemoteHost } from '../host/remote.ts';
import { withFarInstance, type FarInstance } from './far-instance.ts';
import { guardUnderTest, type GuardUnderTest, type Started } from './guard.ts';

const instance = 'e2e-remote';
let host: Host;
let remote: RemoteHost;
let guard: GuardUnderTest;
let inside: FarInstance['inside'];
let snapshots: FarInstance['snapshots'];
let started: FarInstance['started'];
withFarInstance(instance, (far) => {
  ({ host, remote, guard, inside, snapshots, started } = far);
});

const run = (...words: string[]) => guard.run(words, { env: remote.env });
/** A run whose command has begun, and waits. */
const underWay = (...options: string[]) =>
  started('touch /root/changed; echo on; sleep 600', '"data":"on\\n"', ...options);

/** By the exit status: on a loaded machine the output of `incus exec` is lost now and then. */
const isBack = (): Promise<boolean> =>
  inside('test ! -e /root/changed').then(
    () => true,
    () => false,
  );

describe('remote:name', () => {
  test('kept and rolled back, with the remote in the record and in the way back', async () => {
    const kept = await run(`far:${instance}`, '--', 'sh', '-c', 'touch /root/kept; echo out; echo err >&2');
    expect([kept.status, kept.stdout]).toEqual([0, 'out\n']);
    expect(kept.stderr).toMatch(new RegExp(`to roll back: guard rollback far:${instance} `));
    const back = await run('--retry', `far:${instance}`, '--', 'sh', '-c', 'touch /root/changed; exit 3');
    expect([back.status, await isBack()]).toEqual([10, true]);
    expect((await run('runs')).stdout).toContain(`far:${instance}`);
    const gone = await run('rollback', '-y', `far:${instance}`);
    expect([gone.status, await inside('ls /root')]).toEqual([0, '']);
  });

  test('what the client’s own configuration and environment say is obeyed', async () => {
    await execa('incus', ['remote', 'switch', 'far'], { env: remote.env });
    expect((await run('check', instance)).status).toBe(0);
    await execa('incus', ['remote', 'switch', 'local'], { env: remote.env });
    expect((await run('plan', instance, '--', 'true')).stderr).toMatch(/there is no socket .*no-daemon/);
    expect((await guard.run(['check', instance], { env: { ...remote.env, INCUS_REMOTE: 'far' } })).status).toBe(0);

    await incus(host, 'project', 'create', 'shop', '-c', 'features.images=false', '-c', 'features.profiles=false');
    await incus(host, 'launch', 'guard-debian', 'e2e-shop', '--project', 'shop');
    const said = async (words: string[], env: Record<string, string> = {}): Promise<string> => {
      const { status, stdout } = await guard.run(['plan', '--json', ...words, '--', 'true'], {
        env: { ...remote.env, ...env },
      });
      return status === 0 ? (JSON.parse(stdout) as { plan: { project: string } }).plan.project : `${status}`;
    };
    await waitFor(async () => (await run('check', '--project', 'shop', 'far:e2e-shop')).status === 0);
    expect(await said(['far:e2e-shop'])).toBe('30');
    expect(await said(['--project', 'shop', 'far:e2e-shop'])).toBe('shop');
    expect(await said(['far:e2e-shop'], { INCUS_PROJECT: 'shop' })).toBe('shop');
    expect(await said([`far:${instance}`, '--project', 'default'], { INCUS_PROJECT: 'shop' })).toBe('default');
    // `incus project switch far:shop` writes this.
    await execa('incus', ['project', 'switch', 'far:shop'], { env: remote.env });
    expect(await said(['far:e2e-shop'])).toBe('shop');
    const changed = await run('--retry', 'far:e2e-shop', '--', 'false');
    expect([changed.status, changed.stderr]).toEqual([10, expect.stringContaining('e2e-shop is back and healthy')]);
    await execa('incus', ['project', 'switch', 'far:default'], { env: remote.env });
    expect((await run('check', 'nowhere:x')).stderr).toMatch(/There is no remote "nowhere"/);
  });
});

describe('in the middle of the command', () => {
  beforeEach(async () => {
    // What a test that failed has left.
    await remote.link.mend();
    await startDaemon(host);
    await run('recover', `far:${instance}`);
  });

  test('the link breaks and is mended: rolled back', async () => {
    const { guard: started, seen } = await underWay();
    await remote.link.cut();
    await remote.link.mend();
    const { exitCode } = await started;
    expect({ exitCode, seen: seen() }).toMatchObject({ exitCode: 10 });
    expect([await isBack(), await snapshots()]).toEqual([true, expect.not.arrayContaining(['guard-in-flight'])]);
  });

  test('the link breaks and stays down: said, and recovered later, from a host without the record too', async () => {
    const { guard: started, seen } = await underWay();
    await remote.link.cut();
    const { exitCode } = await started;
    expect({ exitCode, seen: seen() }).toMatchObject({ exitCode: 21 });
    expect(seen()).toContain('"outcome":"rollback-failed"');
    await remote.link.mend();
    const elsewhere = await guardUnderTest();
    const recovered = await elsewhere.run(['recover', '--take-over', `far:${instance}`], { env: remote.env });
    expect(recovered).toMatchObject({ status: 0 });
    await elsewhere.remove();
    expect([await isBack(), await snapshots()]).toEqual([true, expect.not.arrayContaining(['guard-in-flight'])]);
  });

  test('the proxy is killed: rolled back', async () => {
    const { guard: started, seen } = await underWay();
    for (const pid of await proxiesOf(started)) process.kill(pid, 'SIGKILL');
    const { exitCode } = await started;
    expect({ exitCode, seen: seen() }).toMatchObject({ exitCode: 10 });
    expect(await isBack()).toBe(true);
  });

  test('the remote daemon is killed: rolled back', async () => {
    const { guard: started, seen } = await underWay();
    await killDaemon(host);
    await startDaemon(host);
    const { exitCode } = await started;
    expect({ exitCode, seen: seen() }).toMatchObject({ exitCode: 10 });
    expect(await isBack()).toBe(true);
  });

  test('guard is killed: its proxy ends, and recover finishes it', async () => {
    const { guard: started } = await underWay();
    started.kill('SIGKILL');
    await started;
    expect(await run('recover')).toMatchObject({ status: 0 });
    expect([await isBack(), await snapshots()]).toEqual([true, expect.not.arrayContaining(['guard-in-flight'])]);
  });
});

/** The proxies that this guard has started. */
const proxiesOf = async ({ pid }: Started): Promise<number[]> => {
  const children = (await readFile(`/proc/${pid ?? 0}/task/${pid ?? 0}/children`, 'utf8'))
    .trim()
    .split(' ')
    .map(Number);
  expect(children.length).toBeGreaterThan(0);
  return children;
};
