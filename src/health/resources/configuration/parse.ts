import type { ConfigurationFiles } from '../../facts.ts';
import type { Section } from '../../probe/sections.ts';

/** Files below /etc, from `size mtime ctime path` lines and from the lines that say how services listen. */
export function configurationFrom(
  signatures: Section | undefined,
  lines: Section | undefined,
): ConfigurationFiles | null {
  if (signatures?.status !== 0 || lines?.status !== 0) return null;
  return { signatures: signaturesFrom(signatures.lines), ...meaningful(lines.lines) };
}

const mostFiles = 20_000;

/** Changes of owner and mode alone are no replacement: the signature is made of size and time of last writing. */
function signaturesFrom(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.slice(0, mostFiles).flatMap((line) => {
      const [, size, written, path] = /^(\d{1,20}) (\d{1,20}) \d{1,20} (\/etc\/.{1,400})$/.exec(line) ?? [];
      return path === undefined || neverConfiguration.test(path) ? [] : [[path, `${size} ${written}`]];
    }),
  );
}

const neverConfiguration =
  /^\/etc\/(ld\.so\.cache|(passwd|shadow|group|gshadow|subuid|subgid)-?|mtab|\.pwd\.lock|adjtime|machine-id|hostname|hosts|resolv\.conf|ca-certificates\.conf|mailcap|.*\.(dpkg|ucf)-(new|tmp|divert))$/;

function meaningful(lines: readonly string[]): Omit<ConfigurationFiles, 'signatures'> {
  const listenLines = new Map<string, string[]>();
  const references = new Map<string, Set<string>>();
  const zones = new Set<string>();
  const names = new Set<string>();
  const sites = new Set<string>();
  for (const line of lines.slice(0, 20_000)) {
    const [, path, text] = /^(\/etc\/[^:]{1,400}):(.*)$/.exec(line) ?? [];
    if (path === undefined || text === undefined || notInForce.test(path)) continue;
    const said = text.trim().slice(0, 300);
    if (/^([#;!]|\/\/|--)/.test(said)) continue;
    for (const [socket] of said.matchAll(runPath)) note(references, socket.replace(/^\/var\/run\//, '/run/'), path);
    const zone = zoneIn(path, said);
    if (zone !== null && zones.size < 1000) zones.add(zone);
    const name = nameIn(said);
    if (name !== null && names.size < 1000) names.add(name);
    for (const site of sitesIn(path, said)) if (sites.size < 100) sites.add(site);
    if (listens.test(said)) gather(listenLines, path, said.slice(0, 200));
  }
  return {
    listenLines: Object.fromEntries(listenLines),
    references: Object.fromEntries([...references].map(([socket, paths]) => [socket, [...paths]])),
    zones: [...zones].toSorted(),
    names: [...names].toSorted(),
    sites: [...sites].toSorted(),
  };
}

/** What packages and people lay aside beside the file that counts. */
const notInForce =
  /(~|[.-](dpkg|ucf)-\w+|\.(bak|old|orig|save|disabled|rpmsave|rpmnew|rpmorig|pacnew|pacsave|apk-new)|\/zones\.rfc1918)$/;

/** As BIND and PowerDNS, Knot, and NSD write it. */
function zoneIn(path: string, line: string): string | null {
  const name =
    /^zone\s+"([\w./-]{1,253})"/i.exec(line)?.[1] ??
    (path.startsWith('/etc/knot/') ? /^(?:- )?domain:\s*"?([\w./-]{1,253})/.exec(line)?.[1] : undefined) ??
    (path.startsWith('/etc/nsd/') ? /^name:\s*"?([\w./-]{1,253})/.exec(line)?.[1] : undefined);
  return name === undefined || inEveryServer.test(name) ? null : name.replace(/\.$/, '').toLowerCase();
}

/** Names to which an IPv4 address is given, as Unbound and dnsmasq write it. */
function nameIn(line: string): string | null {
  const name =
    /^local-data:\s*["']([\w.-]{1,253})\s+(?:\d+\s+)?(?:IN\s+)?A\s/i.exec(line)?.[1] ??
    /^address=\/([\w.-]{1,253})\/\d+\.\d+\.\d+\.\d+$/.exec(line)?.[1] ??
    /^host-record=([\w.-]{1,253}),/.exec(line)?.[1];
  return name === undefined ? null : name.replace(/\.$/, '').toLowerCase();
}

/** As nginx and Apache write them; patterns and the name of nobody are passed over. */
function sitesIn(path: string, line: string): string[] {
  const names = /^\/etc\/(?:nginx|apache2|httpd)\//.test(path)
    ? /(?:^|[\s{;])server_?name\s+([^;#]+)/i.exec(line)?.[1]
    : undefined;
  return (names ?? '')
    .split(/\s+/)
    .map((name) => name.replace(/:\d+$/, '').toLowerCase())
    .filter((name) => /^[a-z\d][a-z\d-]*(\.[a-z\d-]+)+$/.test(name));
}

/** BIND answers for private reverse zones by itself, configured or not. */
const inEveryServer =
  /^(\.|localhost\.?|(0|10|127|255|254\.169|168\.192|(1[6-9]|2\d|3[01])\.172)\.in-addr\.arpa\.?|.*ip6\.arpa\.?)$/i;

/** Something below /run that may be a socket: other paths, such as pid files, are of no use here. */
const runPath = /(?:\/var)?\/run\/[\w.@+/-]*(?:sock|\.s\.|ctl|ipc)[\w.@+/-]*/gi;

const listens =
  /^"?-{0,2}(listen|bind|([a-z_.-]*[_.-])?ports?\b|interfaces?\b|([a-z_.-]*[_.-])?address\b|inet_|(dc_)?local_interfaces|socket\b|unix_socket_director|skip[-_]networking|slapd_services|protected-mode|[lpsU]\s)/i;

function note(references: Map<string, Set<string>>, socket: string, path: string): void {
  if (references.size > 2000 && !references.has(socket)) return;
  const known = references.get(socket) ?? new Set();
  if (known.size < 20) references.set(socket, known.add(path));
}

function gather(listenLines: Map<string, string[]>, path: string, line: string): void {
  if (listenLines.size > 1000 && !listenLines.has(path)) return;
  const known = listenLines.get(path) ?? [];
  if (known.length < 50) listenLines.set(path, [...known, line]);
}
