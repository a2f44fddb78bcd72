import script from '../../guest/package-state.sh?raw';
import type { RunTools } from '../tools.ts';

/** It takes a second or so: package managers read all their lists. Milliseconds. */
const limitMs = 20_000;
const mostBytes = 4 * 1024 * 1024;

/** An unprivileged user, who cannot even change the caches of the package manager. */
const nobody = 65534;

/**
 * The installed packages and those that an upgrade would install, as sorted lines: equal while an upgrade would do the
 * same. Null without an answer. Does not lock, download or change anything.
 */
export async function packageState(
  { platform }: Pick<RunTools, 'platform'>,
  instance: string,
): Promise<readonly string[] | null> {
  const answer = await platform.query(instance, {
    command: ['sh', '-c', script],
    environment: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    user: nobody,
    group: nobody,
    limitMs,
    maxBytes: mostBytes,
    readOnly: true,
  });
  return answer.ok && answer.value.status === 0 && !answer.value.truncated
    ? answer.value.stdout.split('\n').toSorted()
    : null;
}
