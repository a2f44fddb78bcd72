import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { waitFor } from '../host/host.ts';

/** The folder of the packages; those of the previous build are in its subfolder `old`. */
export const packageFolder = process.env['GUARD_TEST_PACKAGES'] ?? '';

/** `bookworm=guard-debian trixie=…`: Debian's releases and the images that have them. */
const images = new Map(
  (process.env['GUARD_TEST_IMAGES'] ?? '').split(' ').map((pair) => pair.split('=')) as [[string, string]],
);

/** What `apt install` is here. The packages that are only recommended take minutes. */
export const install =
  'DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends -o Acquire::Check-Valid-Until=false';

/** A container with nothing but Debian, as a host of guard. */
export interface PackageHost {
  /** A shell's command; never rejects. */
  readonly run: (command: string) => Promise<{ status: number | undefined; stdout: string; stderr: string }>;
  /** Rejects where the command fails, with what it wrote. */
  readonly must: (command: string) => Promise<string>;
  /** Launches the container, and waits until it has booted. */
  readonly begin: () => Promise<void>;
  /** A reboot without a shutdown. Units may still be starting at its end. */
  readonly crash: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

const serverSocket = `${process.env['INCUS_DIR'] ?? '/var/lib/incus'}/unix.socket`;

/** The server of the tests is where a local one would be, by a proxy device: guard in the container manages its siblings. */
export const packageHost = (name: string, release: string): PackageHost => {
  const run: PackageHost['run'] = async (command) => {
    const words = ['exec', name, '--env', 'LANG=C.UTF-8', '--', 'sh', '-c', command];
    const { exitCode, stdout, stderr } = await execa('incus', words, { reject: false, stdin: 'ignore' });
    return { status: exitCode, stdout, stderr };
  };
  const must: PackageHost['must'] = async (command) => {
    const { status, stdout, stderr } = await run(command);
    if (status !== 0) throw new Error(`${command}: ${status}\n${stdout}\n${stderr}`);
    return stdout;
  };
  const booted = (): Promise<void> =>
    waitFor(async () => /running|degraded/.test((await run('systemctl is-system-running')).stdout));
  return {
    run,
    must,
    begin: async () => {
      const image = images.get(release);
      if (image === undefined) throw new Error(`GUARD_TEST_IMAGES names no image of ${release}`);
      await remove(name);
      await incusCommand('launch', image, name);
      await booted();
      await must('mkdir --parents /var/lib/incus');
      const device = [
        'bind=container',
        'mode=0600',
        'listen=unix:/var/lib/incus/unix.socket',
        `connect=unix:${serverSocket}`,
      ];
      await incusCommand('config', 'device', 'add', name, 'incus', 'proxy', ...device);
      for (const [from, to] of [
        ['.', '/root/'],
        ['old', '/root/old/'],
      ] as const)
        for (const file of await readdir(join(packageFolder, from)))
          if (file.endsWith('.deb'))
            await incusCommand('file', 'push', '--create-dirs', join(packageFolder, from, file), `${name}${to}`);
    },
    crash: async () => {
      await incusCommand('restart', '--force', name);
      await waitFor(async () => (await run('systemctl is-system-running')).stdout !== '');
    },
    remove: () => remove(name),
  };
};
