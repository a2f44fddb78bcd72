// Packages that go away on purpose, and others that take their place.
import { greets, greetsInside, install, page, pageSaying, resolves, upgrade, wholeRelease, write } from '../words.mjs';

const records = `$TTL 300
@ SOA ns.example.test. admin.example.test. 1 3600 600 86400 300
@ NS ns.example.test.
@ A 192.0.2.7
ns A 192.0.2.1`;
const bind = `${write('/var/lib/bind/db.example', records)} chown -R bind /var/lib/bind
  echo 'zone "example.test" { type primary; file "/var/lib/bind/db.example"; };' >>/etc/bind/named.conf.local; systemctl restart named`;

export const replacement = [
  {
    name: 'bind9 replaced by nsd with the same zone',
    install: 'bind9',
    configure: bind,
    change: `cp /var/lib/bind/db.example /root/; apt-get purge -y -qq bind9 && ${install('nsd')} && cp /root/db.example /etc/nsd/example.zone
      ${write('/etc/nsd/nsd.conf.d/office.conf', 'zone:\n  name: example.test\n  zonefile: /etc/nsd/example.zone')} systemctl restart nsd`,
    probe: resolves('example.test'),
    expected: 'healthy',
  },
  {
    name: 'bind9 with views, outside of which the new version names the root servers',
    install: 'bind9',
    configure: `${write('/var/lib/bind/db.example', records)} chown -R bind /var/lib/bind; rm -f /etc/bind/named.conf.default-zones; touch /etc/bind/named.conf.default-zones
      ${write(
        '/etc/bind/named.conf.local',
        'view inside { match-clients { 127.0.0.1; }; zone "inside.test" { type primary; file "/var/lib/bind/db.example"; }; };\nview outside { match-clients { any; }; zone "example.test" { type primary; file "/var/lib/bind/db.example"; }; };',
      )} systemctl restart named`,
    change: upgrade('bind9'),
    probe: resolves('example.test'),
    expected: 'failed',
  },
  {
    name: 'redis replaced by valkey',
    install: 'redis-server',
    change: `${upgrade('ca-certificates')} && apt-get purge -y -qq redis-server redis-tools && ${install('valkey-server')}`,
    probe: greetsInside(6379, 'PONG', 'PING'),
    expected: 'healthy',
  },
  {
    name: 'chrony, fail2ban, cron and at removed on purpose beside nginx',
    install: 'nginx-light chrony fail2ban python3-systemd cron at acpid avahi-daemon-',
    change: `apt-get purge -y -qq chrony fail2ban cron at acpid && ${upgrade('nginx-light')}`,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'openssh, from its service to its socket',
    install: 'openssh-server',
    change: `${upgrade('openssh-server')} && systemctl disable --now ssh.service && systemctl enable --now ssh.socket`,
    probe: greets(22, '^SSH-2'),
    expected: 'healthy',
  },
  {
    name: 'openvpn under the newer name of its unit',
    install: 'openvpn',
    configure: `openvpn --genkey secret /etc/openvpn/office.key
      ${write('/etc/openvpn/office.conf', 'dev null\nsecret /etc/openvpn/office.key\ncipher AES-256-CBC\nport 1194')} systemctl enable --now openvpn@office`,
    change: `${upgrade('openvpn')} && systemctl disable --now openvpn@office && mv /etc/openvpn/office.* /etc/openvpn/server/ &&
      sed -i 's#/etc/openvpn/office#/etc/openvpn/server/office#' /etc/openvpn/server/office.conf && systemctl enable --now openvpn-server@office`,
    settleSeconds: 3,
    probe: `ss -Hlun | grep -q ':1194 '`,
    expected: 'healthy',
  },
  {
    name: 'a program under uwsgi behind nginx',
    install: 'nginx-light uwsgi uwsgi-plugin-python3',
    configure: `${write('/srv/shop.py', 'def application(environment, start):\n    start("200 OK", [("Content-Type", "text/plain")])\n    return [b"the shop is open"]')}
      ${write('/etc/uwsgi/apps-enabled/shop.ini', '[uwsgi]\nplugins = python3\nchdir = /srv\nmodule = shop\nsocket = /run/uwsgi/app/shop/socket\nchmod-socket = 666')}
      ${write('/etc/nginx/sites-available/default', 'server { listen 80 default_server; location / { include uwsgi_params; uwsgi_pass unix:/run/uwsgi/app/shop/socket; } }')} systemctl restart uwsgi nginx`,
    change: upgrade('nginx-light', 'uwsgi', 'uwsgi-plugin-python3'),
    settleSeconds: 5,
    probe: pageSaying('the shop is open'),
    expected: 'healthy',
  },
  {
    name: 'a program under uwsgi behind nginx, its plugin left behind',
    install: 'nginx-light uwsgi uwsgi-plugin-python3',
    configure: `${write('/srv/shop.py', 'def application(environment, start):\n    start("200 OK", [("Content-Type", "text/plain")])\n    return [b"the shop is open"]')}
      ${write('/etc/uwsgi/apps-enabled/shop.ini', '[uwsgi]\nplugins = python3\nchdir = /srv\nmodule = shop\nsocket = /run/uwsgi/app/shop/socket\nchmod-socket = 666')}
      ${write('/etc/nginx/sites-available/default', 'server { listen 80 default_server; location / { include uwsgi_params; uwsgi_pass unix:/run/uwsgi/app/shop/socket; } }')} systemctl restart uwsgi nginx`,
    change: `${upgrade('nginx-light', 'uwsgi')} && apt-get remove -y -qq uwsgi-plugin-python3; systemctl restart uwsgi; true`,
    settleSeconds: 5,
    probe: pageSaying('the shop is open'),
    expected: 'broken',
  },
  {
    name: 'postgresql, a second cluster that wants the same port',
    install: 'postgresql',
    change: `${upgrade('postgresql')}; pg_createcluster -p 5432 17 second; systemctl start postgresql@17-second; true`,
    probe: `runuser -u postgres -- psql -p 5432 -Atc 'SHOW server_version' | grep -q '^15'`,
    expected: 'healthy',
  },
  {
    name: 'dnsmasq, beside which systemd-resolved is installed',
    install: 'dnsmasq',
    configure: `echo 'address=/example.test/192.0.2.7' >/etc/dnsmasq.d/office.conf; systemctl restart dnsmasq`,
    change: `${upgrade('dnsmasq', 'systemd-resolved')}; systemctl restart dnsmasq; true`,
    probe: resolves('example.test'),
    expected: 'healthy',
  },
  {
    name: 'varnish, a parameter under its old name',
    install: 'varnish nginx-light',
    configure: `sed -i 's/80 default_server/8080 default_server/' /etc/nginx/sites-available/default; systemctl restart nginx
      sed 's/-a :6081/-a :80 -p vcc_allow_inline_c=on/' /lib/systemd/system/varnish.service >/etc/systemd/system/varnish.service; systemctl daemon-reload; systemctl restart varnish`,
    change: `${upgrade('varnish')}; systemctl restart varnish; true`,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'whole release, with postgresql, and what is no longer needed removed, restarted',
    install: 'postgresql nginx-light',
    change: `${wholeRelease} && apt-get autoremove --purge -y -qq`,
    restart: true,
    settleSeconds: 10,
    probe: `runuser -u postgres -- psql -p 5432 -Atc 'SELECT 1' | grep -q 1`,
    expected: 'healthy',
  },
];
