import { join } from 'node:path';
import { execa } from 'execa';
import type { Host } from '../host/host.ts';

/** Runs a command that guard printed, in the mount namespace of the test daemon: its pool is only there. A failure shows later. */
export const asOnServer = async (host: Host, command: string): Promise<void> => {
  await execa('nsenter', [`--mount=${join(host.incusDir, '../namespace/mnt')}`, 'sh', '-c', command], {
    env: host.env,
    stdin: 'ignore',
    reject: false,
  });
};
