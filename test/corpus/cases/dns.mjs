import { install, resolves, upgrade, write } from '../words.mjs';

const records = `$TTL 300
@ SOA ns.example.test. admin.example.test. 1 3600 600 86400 300
@ NS ns.example.test.
@ A 192.0.2.7
ns A 192.0.2.1`;
const probe = resolves('example.test');
const bindZone = (options) => `${write('/var/lib/bind/db.example', records)} chown -R bind /var/lib/bind
echo 'zone "example.test" { type primary; file "/var/lib/bind/db.example"; ${options} };' >>/etc/bind/named.conf.local
systemctl restart named`;
const pdnsZone = `${write('/etc/powerdns/zones/example.test', records)}
echo 'zone "example.test" { type master; file "/etc/powerdns/zones/example.test"; };' >/etc/powerdns/named.conf
rm -f /etc/powerdns/pdns.d/bind.conf /etc/powerdns/bindbackend.conf
printf 'launch=bind\\nbind-config=/etc/powerdns/named.conf\\n' >/etc/powerdns/pdns.d/zones.conf\n`;

export const dns = [
  { name: 'bind9', install: 'bind9', configure: bindZone(''), change: upgrade('bind9'), probe, expected: 'healthy' },
  {
    name: 'bind9, an option that the new version refuses',
    install: 'bind9',
    configure: bindZone('inline-signing yes; auto-dnssec maintain;'),
    change: upgrade('bind9'),
    probe,
    expected: 'failed',
  },
  {
    name: 'powerdns',
    install: 'pdns-server pdns-backend-bind',
    configure: `${pdnsZone} systemctl restart pdns`,
    change: upgrade('pdns-server', 'pdns-backend-bind'),
    probe,
    expected: 'healthy',
  },
  {
    name: 'powerdns, a setting that the new version refuses',
    install: 'pdns-server pdns-backend-bind',
    configure: `${pdnsZone} printf 'slave=yes\\nmaster=yes\\n' >>/etc/powerdns/pdns.d/zones.conf; systemctl restart pdns`,
    change: upgrade('pdns-server', 'pdns-backend-bind'),
    probe,
    expected: 'broken',
  },
  {
    name: 'powerdns recursor, a configuration of the old syntax',
    install: 'pdns-recursor',
    // Not /etc/hosts itself, which a copy of a container gets anew.
    configure: `echo '192.0.2.7 example.test' >/etc/powerdns/office.hosts
      printf 'local-address=0.0.0.0\\nallow-from=0.0.0.0/0\\nexport-etc-hosts=yes\\netc-hosts-file=/etc/powerdns/office.hosts\\n' >>/etc/powerdns/recursor.conf; systemctl restart pdns-recursor`,
    change: upgrade('pdns-recursor'),
    probe,
    expected: 'failed',
  },
  {
    name: 'unbound',
    install: 'unbound dns-root-data',
    configure: `${write(
      '/etc/unbound/unbound.conf.d/office.conf',
      `server:
  interface: 0.0.0.0
  access-control: 0.0.0.0/0 allow
  local-data: "example.test. A 192.0.2.7"`,
    )} systemctl restart unbound`,
    change: upgrade('unbound'),
    probe,
    expected: 'healthy',
  },
  {
    name: 'nsd',
    install: 'nsd',
    configure: `${write('/etc/nsd/example.zone', records)}
      ${write('/etc/nsd/nsd.conf.d/office.conf', 'zone:\n  name: example.test\n  zonefile: /etc/nsd/example.zone')} systemctl restart nsd`,
    change: upgrade('nsd'),
    probe,
    expected: 'healthy',
  },
  {
    name: 'knot',
    install: 'knot',
    configure: `${write('/var/lib/knot/example.test.zone', records)} chown -R knot /var/lib/knot
      ${write('/etc/knot/knot.conf', 'server:\n  rundir: "/run/knot"\n  user: knot:knot\n  listen: [ 0.0.0.0@53, ::@53 ]\ndatabase:\n  storage: "/var/lib/knot"\nzone:\n  - domain: example.test\n    storage: "/var/lib/knot"\n    file: "example.test.zone"')} systemctl restart knot`,
    change: upgrade('knot'),
    probe,
    expected: 'healthy',
  },
  {
    name: 'dnsmasq',
    install: 'dnsmasq',
    configure: `echo 'address=/example.test/192.0.2.7' >/etc/dnsmasq.d/office.conf; systemctl restart dnsmasq`,
    change: upgrade('dnsmasq'),
    probe,
    expected: 'healthy',
  },
  {
    name: 'dnsmasq replaced by unbound with the same data',
    install: 'dnsmasq',
    configure: `echo 'address=/example.test/192.0.2.7' >/etc/dnsmasq.d/office.conf; systemctl restart dnsmasq`,
    change: `${write(
      '/etc/unbound/unbound.conf.d/office.conf',
      'server:\n  interface: 0.0.0.0\n  access-control: 0.0.0.0/0 allow\n  local-data: "example.test. A 192.0.2.7"',
    )}
apt-get purge -y -qq dnsmasq && ${install('unbound', 'dns-root-data')} && systemctl restart unbound`,
    probe,
    expected: 'healthy',
  },
];
