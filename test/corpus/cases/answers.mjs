// Services that still run and listen, and that nevertheless do not do their job any more; and some that do it in another way.
import { greets, install, page, pageSaying, replies, resolves, upgrade, write } from '../words.mjs';

const sum = (socket, program) =>
  `${write(
    '/etc/nginx/sites-available/default',
    `server { listen 80 default_server; root /var/www/html; index index.php;
  location ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:${socket}; } }`,
  )} ${write('/var/www/html/index.php', program)} systemctl restart nginx`;
const usesSqlite = `<?php $d = new SQLite3(":memory:"); echo "sum ", $d->querySingle("SELECT 40 + 2");`;
const shop = `${write('/usr/local/lib/python3.11/dist-packages/shop.py', 'words = b"the shop is open"')}
${write(
  '/srv/shop.wsgi',
  'import shop\n\ndef application(environment, start):\n    start("200 OK", [("Content-Type", "text/plain")])\n    return [shop.words]',
)}
${write('/etc/apache2/sites-available/000-default.conf', '<VirtualHost *:80>\n  WSGIScriptAlias / /srv/shop.wsgi\n  <Directory /srv>\n    Require all granted\n  </Directory>\n</VirtualHost>')} systemctl restart apache2`;
const records = `$TTL 300
@ SOA ns.example.test. admin.example.test. 1 3600 600 86400 300
@ NS ns.example.test.
@ A 192.0.2.7
ns A 192.0.2.1`;
const releases = `mkdir -p /srv/one /srv/two; echo 'the shop is open' >/srv/one/index.html; ln -sfn /srv/one /srv/current
  sed -i 's#root /var/www/html#root /srv/current#' /etc/nginx/sites-available/default; systemctl restart nginx`;

export const answers = [
  {
    name: 'a python program under apache, whose module is installed for the old version only',
    install: 'apache2 libapache2-mod-wsgi-py3',
    configure: shop,
    change: upgrade('apache2', 'libapache2-mod-wsgi-py3'),
    probe: pageSaying('the shop is open'),
    expected: 'broken',
  },
  {
    name: 'php under nginx, the new version without a module that the site needs',
    install: 'nginx-light php8.2-fpm php8.2-sqlite3',
    configure: sum('/run/php/php-fpm.sock', usesSqlite),
    change: upgrade('php8.4-fpm', 'php8.2-fpm-'),
    probe: pageSaying('sum 42'),
    expected: 'broken',
  },
  {
    name: 'php under nginx, the new version with the module that the site needs',
    install: 'nginx-light php8.2-fpm php8.2-sqlite3',
    configure: sum('/run/php/php-fpm.sock', usesSqlite),
    change: upgrade('php8.4-fpm', 'php8.4-sqlite3', 'php8.2-fpm-'),
    probe: pageSaying('sum 42'),
    expected: 'healthy',
  },
  {
    name: 'a deploy to an empty folder',
    install: 'nginx-light',
    configure: releases,
    change: 'ln -sfn /srv/two /srv/current; systemctl reload nginx',
    probe: pageSaying('the shop is open'),
    expected: 'broken',
  },
  {
    name: 'a deploy to the next folder',
    install: 'nginx-light',
    configure: releases,
    change: `echo 'the shop is open' >/srv/two/index.html; ln -sfn /srv/two /srv/current; systemctl reload nginx`,
    probe: pageSaying('the shop is open'),
    expected: 'healthy',
  },
  {
    name: 'bind9, whose zone can no longer be read',
    install: 'bind9',
    configure: `${write('/var/lib/bind/db.example', records)}
      echo 'zone "example.test" { type primary; file "/var/lib/bind/db.example"; };' >>/etc/bind/named.conf.local; systemctl restart named`,
    change: `${upgrade('bind9')} && chmod 600 /var/lib/bind/db.example && chown root: /var/lib/bind/db.example && systemctl restart named`,
    probe: resolves('example.test'),
    expected: 'broken',
  },
  {
    name: 'unbound, which refuses its clients',
    install: 'unbound dns-root-data',
    configure: `${write('/etc/unbound/unbound.conf.d/data.conf', 'server:\n  interface: 0.0.0.0\n  local-data: "example.test. A 192.0.2.7"')}
      ${write('/etc/unbound/unbound.conf.d/clients.conf', 'server:\n  access-control: 0.0.0.0/0 allow')} systemctl restart unbound`,
    change: `${upgrade('unbound')} && rm /etc/unbound/unbound.conf.d/clients.conf && systemctl restart unbound`,
    probe: resolves('example.test'),
    expected: 'broken',
  },
  {
    name: 'dnsmasq, without the names of the office',
    install: 'dnsmasq',
    configure: `echo 'address=/example.test/192.0.2.7' >/etc/dnsmasq.d/office.conf; systemctl restart dnsmasq`,
    change: `${upgrade('dnsmasq')} && mv /etc/dnsmasq.d/office.conf /etc/dnsmasq.d/office.conf.dpkg-old && systemctl restart dnsmasq`,
    probe: resolves('example.test'),
    expected: 'broken',
  },
  {
    name: 'openssh, an algorithm that the new version no longer has, not restarted',
    install: 'openssh-server',
    configure: `echo 'PubkeyAcceptedAlgorithms +ssh-dss' >/etc/ssh/sshd_config.d/90-old-keys.conf; systemctl restart ssh`,
    change: upgrade('openssh-server'),
    probe: greets(22, '^SSH-2'),
    expected: 'broken',
  },
  {
    name: 'postfix, which takes calls and hangs up',
    install: 'postfix',
    change: `${upgrade('postfix')} && postconf -e 'smtpd_tls_security_level = sometimes' && systemctl restart postfix`,
    probe: greets(25, '^220'),
    expected: 'failed',
  },
  {
    name: 'redis, which wants a password now',
    install: 'redis-server',
    configure: `sed -i 's/^bind .*/bind 0.0.0.0/; s/^protected-mode yes/protected-mode no/' /etc/redis/redis.conf; systemctl restart redis-server`,
    change: `${upgrade('redis-server')} && sed -i 's/^protected-mode no/protected-mode yes/' /etc/redis/redis.conf && systemctl restart redis-server`,
    probe: replies(6379, 'PONG', 'PING'),
    expected: 'broken',
  },
  {
    name: 'nginx, which sends everybody elsewhere now',
    install: 'nginx-light',
    change: `${upgrade('nginx-light')} && sed -i 's#try_files .*#return 301 /shop;#' /etc/nginx/sites-available/default && systemctl restart nginx`,
    probe: pageSaying(' (200|301) '),
    expected: 'healthy',
  },
  {
    name: 'apache replaced by nginx, its package left behind',
    install: 'apache2',
    change: `systemctl disable --now apache2 && ${install('nginx-light')} && systemctl restart nginx`,
    probe: page,
    expected: 'healthy',
  },
];
