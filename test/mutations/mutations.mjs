// What is done to a service. `harm` must be found, `harmless` must be kept. Each gives a line of shell for a service, or null where it does not apply.
const fill = (text, port, address) => text.replaceAll('{port}', String(port)).replaceAll('{address}', address);

export const mutations = [
  { kind: 'harm', name: 'stop', of: ({ unit }) => unit && `systemctl stop ${unit}` },
  { kind: 'harm', name: 'disable', of: ({ unit }) => unit && `systemctl disable ${unit}` },
  // systemd masks no unit whose file is in /etc.
  { kind: 'harm', name: 'mask', of: ({ unit }) => unit && unit !== 'app.service' && `systemctl mask ${unit}` },
  {
    kind: 'harm',
    name: 'kill and keep down',
    of: ({ unit }) =>
      unit &&
      `mkdir -p /run/systemd/system/${unit}.d && printf '[Service]\\nRestart=no\\n' >/run/systemd/system/${unit}.d/k.conf && systemctl daemon-reload && systemctl kill -s KILL ${unit}`,
  },
  { kind: 'harm', name: 'other port', of: ({ listen, port }) => listen && fill(listen, port + 2000, '0.0.0.0') },
  { kind: 'harm', name: 'loopback only', of: ({ listen, port }) => listen && fill(listen, port, '127.0.0.1') },
  { kind: 'harm', name: 'typo, not yet read', of: ({ typo }) => typo },
  { kind: 'harm', name: 'typo, restarted', of: ({ typo, unit }) => typo && `${typo}; systemctl restart ${unit}; true` },
  {
    kind: 'harm',
    name: 'unreadable data',
    of: ({ data, unit }) => data && `chmod 000 ${data}; systemctl restart ${unit}`,
  },
  {
    kind: 'harm',
    name: 'wrong owner',
    of: ({ data, unit }) => data && `chmod -R go= ${data}; chown -R 65534 ${data}; systemctl restart ${unit}`,
  },
  {
    kind: 'harm',
    name: 'program removed',
    of: ({ program, unit }) => program && `rm ${program}; systemctl restart ${unit}; true`,
  },
  {
    kind: 'harm',
    name: 'read-only storage',
    of: ({ data }) => data && `mount --bind ${data} ${data} && mount -o remount,bind,ro ${data}`,
  },
  {
    kind: 'harm',
    name: 'firewall',
    of: ({ port }) =>
      port &&
      `nft add table inet g && nft add chain inet g i '{ type filter hook input priority 0; }' && nft add rule inet g i tcp dport ${port} drop`,
  },
  {
    kind: 'harm',
    name: 'dead resolver',
    of: ({ unit }) => unit && 'rm -f /etc/resolv.conf; echo nameserver 192.0.2.1 >/etc/resolv.conf',
  },
  {
    kind: 'harm',
    name: 'expired certificate',
    of: ({ certificate, reload }) =>
      certificate &&
      `openssl x509 -in ${certificate}/cert -signkey ${certificate}/key -days -1 -out ${certificate}/new 2>/dev/null; mv ${certificate}/new ${certificate}/cert; ${reload}`,
  },
  { kind: 'harm', name: 'user removed', of: ({ user }) => user && `sed -i /^${user}:/d /etc/passwd` },
  {
    kind: 'harm',
    name: 'silent stub',
    of: ({ unit, port }) =>
      unit &&
      port &&
      `systemctl stop ${unit}; systemd-run -q --unit stub perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => ${port}, Listen => 9, ReuseAddr => 1) or die; my @c; while (my $c = $s->accept) { push @c, $c }'`,
  },
  { kind: 'harm', name: 'error on one page', of: ({ page }) => page },
  { kind: 'harm', name: 'redirect to nobody', of: ({ redirect }) => redirect },
  { kind: 'harm', name: 'callers refused', of: ({ refuse, password }) => refuse ?? password },
  { kind: 'harm', name: 'half of the workers gone', of: ({ half }) => half },
  { kind: 'harm', name: 'sysctl dropped', of: ({ unit }) => unit && 'rm /etc/sysctl.d/90-guard-test.conf' },
  ...[0, 1, 2, 3].map((index) => ({ kind: 'harm', name: `job lost (${index + 1})`, of: ({ job }) => job?.[index] })),
  { kind: 'harmless', name: 'restart', of: ({ unit }) => unit && `systemctl restart ${unit}` },
  { kind: 'harmless', name: 'reload', of: ({ reload }) => reload },
  { kind: 'harmless', name: 'another package', of: ({ name }) => name !== 'user' && 'apt-get install -y -qq tree' },
  {
    kind: 'harmless',
    name: 'another service and port',
    of: ({ unit }) =>
      unit &&
      `systemd-run -q --unit extra perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalPort => 9999, Listen => 9) or die; 1 while $s->accept'`,
  },
  {
    kind: 'harmless',
    name: 'installed again',
    of: ({ install, name }) => name !== 'user' && `apt-get install -y -qq --reinstall ${install.split(' ')[0]}`,
  },
  { kind: 'harmless', name: 'IPv6 as well', of: ({ dualStack }) => dualStack },
  { kind: 'harmless', name: 'socket instead of daemon', of: ({ socket }) => socket },
  { kind: 'harmless', name: 'renamed', of: ({ rename }) => rename },
  { kind: 'harmless', name: 'one worker fewer', of: ({ fewer }) => fewer },
  { kind: 'harmless', name: 'job at another time', of: ({ timetable }) => timetable },
  {
    kind: 'harmless',
    name: 'certificate renewed',
    of: ({ certificate, reload }) =>
      certificate &&
      `openssl x509 -in ${certificate}/cert -signkey ${certificate}/key -days 80 -out ${certificate}/new 2>/dev/null; mv ${certificate}/new ${certificate}/cert; ${reload}`,
  },
];
