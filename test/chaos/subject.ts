import { execa } from 'execa';
import { incus, waitFor, type Host } from '../host/host.ts';

/** The files that a change writes, all with the same content: they tell old, new and between apart. */
const files = [
  '/root/chaos-one',
  '/etc/chaos-two',
  '/usr/local/lib/chaos-three',
  '/var/lib/chaos-four',
  '/opt/chaos-five',
  '/srv/chaos-six',
] as const;

/** What the check of the runs looks at. */
const healthFile = '/srv/chaos-health';
export const healthCheck = `test "$(cat ${healthFile})" = ok`;

/** A new container whose files all say `content`. */
export const launchSubject = async (host: Host, name: string, content: string, storage: string): Promise<void> => {
  const quietly = { env: host.env, stdin: 'ignore', reject: false } as const;
  // A daemon that was just killed may need a minute until its network can be used again.
  await waitFor(
    async () => {
      await execa('incus', ['delete', '--force', name], quietly);
      return (await execa('incus', ['launch', 'guard-debian', name, '--storage', storage], quietly)).exitCode === 0;
    },
    { limitMs: 120_000, everyMs: 1000 },
  );
  await waitFor(async () => {
    const words = ['exec', name, '--', 'systemctl', 'is-system-running'];
    const { stdout } = await execa('incus', words, { env: host.env, stdin: 'ignore', reject: false });
    return stdout === 'running' || stdout === 'degraded';
  });
  await incus(host, 'exec', name, '--', 'sh', '-c', `${writing(content, files, 0)} echo ok >${healthFile}; sync`);
};

/** A command that changes the files to `content`, in one of the ways in which changes go well or badly. */
export const commandOf = (
  change: 'good' | 'fails' | 'fails-halfway' | 'unhealthy',
  content: string,
  paceMs: number,
): string[] => {
  const all = writing(content, files, paceMs);
  switch (change) {
    case 'good':
      return ['sh', '-c', `${all} exit 0`];
    case 'fails':
      return ['sh', '-c', `${all} exit 3`];
    case 'fails-halfway':
      return ['sh', '-c', `${writing(content, files.slice(0, 3), paceMs)} exit 3`];
    case 'unhealthy':
      return ['sh', '-c', `${all} echo broken >${healthFile}; exit 0`];
  }
};

const writing = (content: string, paths: readonly string[], paceMs: number): string =>
  paths.map((path) => `echo '${content}' >${path}; sleep ${(paceMs / 1000).toFixed(3)};`).join(' ');

/**
 * What the files say; `between` when they do not all say the same, or the health file is not that of a healthy state. Read
 * again where that is so: the `incus` command loses output at times, and the files do not change any more.
 */
export const contentOf = async (host: Host, name: string): Promise<string> => {
  let seen = '';
  for (let tries = 0; tries < 5; tries += 1) {
    seen = await readOnce(host, name);
    if (!seen.startsWith(between)) return seen;
  }
  return seen;
};

const between = 'between: ';

const readOnce = async (host: Host, name: string): Promise<string> => {
  const said = (await incus(host, 'exec', name, '--', 'cat', ...files)).split('\n');
  const health = await incus(host, 'exec', name, '--', 'cat', healthFile);
  const [first = ''] = said;
  const whole = said.length === files.length && said.every((line) => line === first);
  return whole && health === 'ok' ? first : `${between}${said.join(', ')}; health ${health}`;
};
