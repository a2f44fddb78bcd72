import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand } from './incus-subject.ts';
import type { IncusProxy } from './incus-proxy.ts';
import { withProxiedGuard } from './proxied-guard.ts';

const instance = 'e2e-plan';
let guard: GuardUnderTest;
let proxy: IncusProxy;
let folder = '';

withProxiedGuard(instance, (up) => {
  ({ guard, proxy, folder } = up);
});
beforeEach(() => proxy.forget());

interface Packages {
  readonly known: boolean;
  readonly packages: readonly { readonly name: string; readonly from: string | null; readonly to: string | null }[];
}

/** Everything in the instance that a question could have left. */
const traces = (): Promise<string> =>
  incusCommand(
    'exec',
    instance,
    '--',
    'sh',
    '-c',
    'find / -xdev -newer /root/before -type f -not -path "/run/*" -not -path "/var/log/journal/*" 2>/dev/null; dpkg -l | cksum',
  );

describe('guard plan', () => {
  test('changes nothing: no request that could, and no file inside', async () => {
    await writeFile(join(folder, 'app'), 'x');
    await incusCommand('exec', instance, '--', 'touch', '/root/before');
    const before = await traces();
    const env = { INCUS_SOCKET: proxy.socket };
    const words = [
      '--check',
      'true',
      '--push',
      `${join(folder, 'app')}:/opt/`,
      instance,
      '--',
      'apt',
      'remove',
      '-y',
      'less',
    ];
    for (const format of [[], ['--json'], ['--markdown']]) {
      const { status, stderr } = await guard.run(['plan', ...format, ...words], { env });
      expect([status, stderr]).toEqual([0, '']);
    }
    expect(proxy.seen.length).toBeGreaterThan(5);
    expect(proxy.changes().filter(({ path }) => !path.endsWith('/exec'))).toEqual([]);
    expect(await traces()).toBe(before);
    expect(await snapshotNames(instance)).toEqual([]);
  });

  test('names the packages that would change, and those change', async () => {
    const words = [instance, '--', 'apt-get', 'remove', '-y', 'less'];
    const { stdout } = await guard.run(['plan', '--json', ...words]);
    const { packages } = JSON.parse(stdout) as { packages: Packages };
    const events = (await guard.run(['--json', '--soak', '0s', '--on-failure', 'keep', ...words])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; changes?: Packages });
    const changed = events.find(({ type }) => type === 'changes')?.changes?.packages;
    expect(packages).toEqual({ known: true, manager: 'apt', packages: changed });
    expect(changed?.map(({ name, to }) => [name, to])).toEqual([['less', null]]);
  });

  test('says plainly when that is not known', async () => {
    const plain = await guard.run(['plan', instance, '--', 'sh', '-c', 'apt-get upgrade']);
    expect(plain.stdout).toMatch(/so the packages it would change are unknown/);
    const unknown = await guard.run(['plan', instance, '--', 'apt-get', 'install', 'no-such-package']);
    expect(unknown.stdout).toMatch(/apt could not say which packages would change: E: Unable to locate package/);
    const markdown = await guard.run(['plan', '--markdown', '--check', 'false', instance, '--', 'dnf', 'upgrade']);
    expect([markdown.status, markdown.stdout]).toEqual([
      30,
      expect.stringMatching(/^## ⛔ `guard e2e-plan -- dnf upgrade`/),
    ]);
    expect(markdown.stdout).toMatch(/\| `false` \| ❌ \| `exit status 1` \|/);
  });
});
