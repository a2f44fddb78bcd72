import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { inside } from '../e2e/instance-facts.ts';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { waitFor } from '../host/host.ts';

export interface Base {
  /** It begins the names of the base and its copies. */
  readonly name: string;
  readonly image: string;
  /** Installs package managers; network is there. */
  readonly script: string;
  /** What `packages.sh` is called with. */
  readonly repositories: readonly string[];
}

/**
 * A stopped container with package managers and repositories for them, to be copied by the tests. It stays for the next time,
 * as an image does, until the host goes or what it is made of changes. Gives its name.
 */
export const baseOf = async ({ name, image, script, repositories }: Base): Promise<string> => {
  const packages = join(import.meta.dirname, 'packages.sh');
  const made = JSON.stringify([image, script, repositories, await readFile(packages, 'utf8')]);
  const base = `${name}-base-${createHash('sha256').update(made).digest('hex').slice(0, 8)}`;
  if (await isMade(base)) return base;
  await remove(base, process.env['INCUS_PROJECT']);
  await incusCommand('launch', image, base);
  await incusCommand('file', 'push', packages, `${base}/root/packages.sh`);
  await waitForBoot(base);
  const whole = ['export DEBIAN_FRONTEND=noninteractive', script, `bash /root/packages.sh ${repositories.join(' ')}`];
  await inside(base, whole.join('\n'));
  await incusCommand('stop', '--force', base);
  await incusCommand('config', 'set', base, 'user.test.made=yes');
  return base;
};

const isMade = async (base: string): Promise<boolean> => {
  const { stdout } = await execa('incus', ['config', 'get', base, 'user.test.made'], {
    reject: false,
    stdin: 'ignore',
  });
  return stdout === 'yes';
};

/** Until systemd has booted, where it is: then the network is up. */
export const waitForBoot = (name: string): Promise<void> =>
  waitFor(async () => {
    const script = 'test ! -d /lib/systemd || systemctl is-system-running';
    const { stdout, exitCode } = await execa('incus', ['exec', name, '--', 'sh', '-c', script], {
      reject: false,
      stdin: 'ignore',
    });
    return exitCode === 0 || stdout === 'degraded';
  });
