import type { RunTools } from '../run/tools.ts';
import { hostsOfSources, proxyScript, sourcesScript } from './package-sources.ts';
import type { UnitLogs } from './survival.ts';

type InsideTools = Pick<RunTools, 'platform'>;

const limitMs = 20_000;
const path = '/usr/sbin:/usr/bin:/sbin:/bin';

/** What is read of all the package sources, and of one unit's log. */
const mostBytes = 2 * 1024 * 1024;

/** Points the package managers of the copy to the package proxy. Gives the hosts that they may ask; none where nobody answers. */
export async function usePackageProxy(
  tools: InsideTools,
  instance: string,
  proxy: string,
): Promise<ReadonlySet<string>> {
  const answer = await askShell(tools, instance, `${proxyScript(proxy)}${sourcesScript}`, []);
  return hostsOfSources(answer);
}

/** Sends one request to the package proxy from inside. Whether the copy reached its own end of it: false also where it has no means to ask. */
export async function askPackageProxy(tools: InsideTools, instance: string, port: number): Promise<boolean> {
  const answer = await askShell(tools, instance, proxyRequestScript, [String(port)]);
  return answer.trim() === 'sent';
}

const proxyRequestScript = `
command -v bash >/dev/null 2>&1 || exit 0
bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 0
  echo sent
  printf "GET http://guard.invalid/ HTTP/1.0\\r\\n\\r\\n" >&3 && cat <&3 >/dev/null' bash "$1" 2>/dev/null
exit 0
`;

/** The last lines of the logs of these units, since the copy's boot. */
export async function readUnitLogs(tools: InsideTools, instance: string, units: readonly string[]): Promise<UnitLogs> {
  const logs = await Promise.all(
    units.map(async (unit) => [unit, await askShell(tools, instance, unitLogScript, [unit])] as const),
  );
  return Object.fromEntries(logs);
}

const unitLogScript = 'exec journalctl --boot --unit "$1" --lines 40 --output cat --no-pager 2>/dev/null';

/** What a shell of the instance prints; nothing where there is no answer. */
export async function askShell(
  { platform }: InsideTools,
  instance: string,
  script: string,
  words: readonly string[],
): Promise<string> {
  const answer = await platform.query(instance, {
    command: ['sh', '-c', script, 'guard', ...words],
    environment: { LC_ALL: 'C', PATH: path },
    cwd: '/',
    limitMs,
    maxBytes: mostBytes,
    readOnly: true,
  });
  return answer.ok ? answer.value.stdout : '';
}
