import { isIP } from 'node:net';
import { isGlobalAddress } from '../platform/address.ts';

/**
 * Prints the files in which package managers name their sources, and what dnf remembers of its mirrors. Run by the copy's
 * own shell; what is missing is passed over.
 */
export const sourcesScript = `
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources /etc/apt/mirrors/* \\
  /etc/yum.repos.d/*.repo /etc/distro.repos.d/*.repo /etc/zypp/repos.d/*.repo \\
  /etc/pacman.conf /etc/pacman.d/*mirrorlist* /etc/apk/repositories /etc/apk/repositories.d/* \\
  /var/cache/dnf/*/metalink.xml /var/cache/dnf/*/mirrorlist /var/cache/libdnf5/*/metalink.xml /var/cache/libdnf5/*/mirrorlist; do
  [ -f "$file" ] && cat "$file" && echo
done
exit 0
`;

/**
 * Lets the package managers of the copy use the package proxy: apt and dnf may have a proxy of their own in their
 * configuration, which wins over the environment. The others read the environment.
 */
export function proxyScript(proxy: string): string {
  return `
if [ -d /etc/apt/apt.conf.d ]; then
  printf '%s\\n' '#clear Acquire::http::Proxy-Auto-Detect;' '#clear Acquire::http::ProxyAutoDetect;' '#clear Acquire::http::Proxy;' \\
    '#clear Acquire::https::Proxy;' 'Acquire::http::Proxy "${proxy}";' 'Acquire::https::Proxy "${proxy}";' \\
    >/etc/apt/apt.conf.d/zz-guard-rehearsal
fi
for file in /etc/dnf/dnf.conf /etc/yum.conf /etc/yum.repos.d/*.repo; do
  [ -f "$file" ] && sed -i 's|^proxy[[:space:]]*=.*|proxy=${proxy}|' "$file"
done
`;
}

/**
 * The hosts that the sources name: `mirror.example.org`, and `mirror.example.org:8080` where a port is named as well.
 * Comments do not count, nor does the copy itself.
 */
export function hostsOfSources(text: string): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    for (const [url] of line.matchAll(/\b(?:https?|ftp):\/\/[^\s"'<>),]+/g)) {
      if (!URL.canParse(url)) continue;
      const { hostname, host, port } = new URL(url);
      if (!isHostname(hostname) || isLoopback(hostname)) continue;
      hosts.add(hostname);
      if (port !== '') hosts.add(host);
    }
  }
  return hosts;
}

/** Variables of a package manager (`$releasever`) make no name. */
function isHostname(hostname: string): boolean {
  return /^[a-z0-9.-]+$|^\[[0-9a-f:.]+\]$/.test(hostname) && hostname.length <= 253;
}

/** On guard's machine such a name, or address, means guard's machine or one that only it can reach. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? /^(.*\.)?localhost\.?$/.test(host) : !isGlobalAddress(host);
}
