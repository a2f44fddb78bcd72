// Real upgrades of real Debian packages. Each case is a container with a service that answers (`install`, `configure`), a
// change (`change`), and a question of its own that tells the truth (`probe`: status 0 means that the service does its job).
// `expected` is what the author believes; the table is made from what the probe says without guard.

/** The release's own sources with the next release's name, then one package from there. Configuration files are kept. */
const fromTrixie = (...packages) => `
  sed -i 's/bookworm/trixie/g' $(grep -rl bookworm /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null)
  apt-get update -qq
  apt-get install -y -qq -o Dpkg::Options::=--force-confold ${packages.join(' ')}`;

const wholeRelease = `
  sed -i 's/bookworm/trixie/g' $(grep -rl bookworm /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null)
  apt-get update -qq
  apt-get full-upgrade -y -qq -o Dpkg::Options::=--force-confold`;

const http = `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:80", Timeout => 3) or exit 1;
  print $s "GET / HTTP/1.0\\r\\n\\r\\n"; exit(<$s> =~ /^HTTP.* 200/ ? 0 : 1)'`;
const greets = (port, greeting) => `perl -MIO::Socket::INET -e '$SIG{ALRM} = sub { exit 1 }; alarm 5;
  $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:${port}", Timeout => 3) or exit 1; exit(<$s> =~ /${greeting}/ ? 0 : 1)'`;
const zone = `zone "example.test" { type primary; file "/etc/bind/db.empty"; `;
const resolves = 'dig +time=2 +tries=1 @127.0.0.1 example.test SOA | grep -q "status: NOERROR"';
const answersSql = 'mariadb --connect-timeout=3 -e "SELECT 1"';

export const cases = [
  { name: 'nginx', install: 'nginx-light', change: fromTrixie('nginx-light'), probe: http, expected: 'healthy' },
  { name: 'apache', install: 'apache2', change: fromTrixie('apache2'), probe: http, expected: 'healthy' },
  {
    name: 'bind9',
    install: 'bind9 bind9-dnsutils',
    configure: `echo '${zone} };' >>/etc/bind/named.conf.local; systemctl restart named`,
    change: fromTrixie('bind9', 'bind9-dnsutils'),
    probe: resolves,
    expected: 'healthy',
  },
  {
    name: 'bind9, an option that the new version refuses',
    install: 'bind9 bind9-dnsutils',
    configure: `mkdir -p /var/lib/bind; cp /etc/bind/db.empty /var/lib/bind/db.test; chown -R bind /var/lib/bind
      echo 'zone "example.test" { type primary; file "/var/lib/bind/db.test"; inline-signing yes; auto-dnssec maintain; };' >>/etc/bind/named.conf.local
      systemctl restart named`,
    change: fromTrixie('bind9', 'bind9-dnsutils'),
    probe: resolves,
    expected: 'broken',
  },
  {
    name: 'dovecot, a configuration of the old syntax',
    install: 'dovecot-imapd',
    change: fromTrixie('dovecot-imapd'),
    probe: greets(143, 'OK'),
    expected: 'broken',
  },
  {
    name: 'redis',
    install: 'redis-server',
    change: fromTrixie('redis-server'),
    probe: 'redis-cli ping | grep -q PONG',
    expected: 'healthy',
  },
  {
    name: 'memcached',
    install: 'memcached',
    change: fromTrixie('memcached'),
    probe: `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:11211", Timeout => 3) or exit 1; print $s "version\\r\\n"; exit(<$s> =~ /VERSION/ ? 0 : 1)'`,
    expected: 'healthy',
  },
  {
    name: 'mariadb',
    install: 'mariadb-server',
    change: fromTrixie('mariadb-server'),
    probe: answersSql,
    expected: 'healthy',
  },
  {
    name: 'mariadb, a setting that the new version refuses',
    install: 'mariadb-server',
    configure: `printf '[mariadbd]\\ninnodb_change_buffering = none\\n' >/etc/mysql/mariadb.conf.d/90-tuning.cnf; systemctl restart mariadb`,
    change: fromTrixie('mariadb-server'),
    probe: answersSql,
    expected: 'broken',
  },
  {
    name: 'postgresql, the new major version beside the old one',
    install: 'postgresql',
    change: fromTrixie('postgresql'),
    probe: `runuser -u postgres -- psql -p 5432 -Atc 'SELECT 1' | grep -q 1`,
    expected: 'healthy',
  },
  {
    name: 'postfix',
    install: 'postfix',
    change: fromTrixie('postfix'),
    probe: greets(25, '^220'),
    expected: 'healthy',
  },
  {
    name: 'openssh',
    install: 'openssh-server',
    change: fromTrixie('openssh-server'),
    probe: greets(22, '^SSH-2'),
    expected: 'healthy',
  },
  {
    name: 'openssh, a setting that no version knows, noticed at the restart',
    install: 'openssh-server',
    change: `echo 'AllowUsersX root' >/etc/ssh/sshd_config.d/90-team.conf; ${fromTrixie('openssh-server')}; systemctl restart ssh || true`,
    probe: greets(22, '^SSH-2'),
    expected: 'broken',
  },
  {
    name: 'proftpd, modules that the new version no longer has',
    install: 'proftpd-core',
    change: fromTrixie('proftpd-core'),
    probe: greets(21, '^220'),
    expected: 'broken',
  },
  {
    name: 'rabbitmq',
    install: 'rabbitmq-server',
    change: fromTrixie('rabbitmq-server'),
    probe: 'rabbitmqctl -q --timeout 5 status >/dev/null',
    expected: 'broken',
  },
  {
    name: 'redis, whose configuration is replaced by the maintainer’s',
    install: 'redis-server',
    configure: `sed -i 's/^bind .*/bind 0.0.0.0/; s/^protected-mode yes/protected-mode no/' /etc/redis/redis.conf; systemctl restart redis-server`,
    change: fromTrixie('redis-server').replace('force-confold', 'force-confnew'),
    outside: true,
    probe: `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:6379", Timeout => 3) or exit 1; print $s "PING\\r\\n"; exit(<$s> =~ /PONG/ ? 0 : 1)'`,
    expected: 'broken',
  },
  {
    name: 'php under nginx, whose socket has the old version in its name',
    install: 'nginx-light php8.2-fpm',
    configure: `printf 'server { listen 80 default_server; root /var/www/html; index index.php; location ~ \\\\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:/run/php/php8.2-fpm.sock; } }' >/etc/nginx/sites-available/default
      echo '<?php echo "ok";' >/var/www/html/index.php; systemctl restart nginx`,
    change: fromTrixie('php8.4-fpm', 'php8.2-fpm-'),
    probe: http,
    expected: 'broken',
  },
  {
    name: 'nginx replaced by lighttpd on the same port',
    install: 'nginx-light',
    change:
      'apt-get remove -y -qq nginx-light nginx nginx-common && apt-get install -y -qq lighttpd && systemctl restart lighttpd',
    probe: http,
    expected: 'healthy',
  },
  {
    name: 'nginx moved to loopback by a fragment of the deploy',
    install: 'nginx-light',
    change: `sed -i 's/listen 80 default_server/listen 127.0.0.1:80 default_server/; s/listen \\[::\\]:80/# listen [::]:80/' /etc/nginx/sites-available/default; systemctl restart nginx`,
    // The truth is asked from outside, as its users would.
    outside: true,
    probe: http,
    expected: 'broken',
  },
  {
    name: 'redis that dies eight seconds after its start',
    install: 'redis-server',
    change: `mkdir -p /etc/systemd/system/redis-server.service.d
      printf '[Service]\\nRuntimeMaxSec=8\\nRestart=no\\n' >/etc/systemd/system/redis-server.service.d/limit.conf
      systemctl daemon-reload; systemctl restart redis-server`,
    settleSeconds: 12,
    probe: 'redis-cli ping | grep -q PONG',
    expected: 'broken',
  },
  {
    name: 'a package whose maintainer script fails',
    install: 'nginx-light',
    change: `mkdir -p /tmp/p/DEBIAN; printf 'Package: halfway\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@localhost>\\nDescription: x\\n' >/tmp/p/DEBIAN/control
      printf '#!/bin/sh\\nsystemctl stop nginx\\nexit 1\\n' >/tmp/p/DEBIAN/postinst; chmod 755 /tmp/p/DEBIAN/postinst
      dpkg-deb --build /tmp/p /tmp/p.deb; dpkg -i /tmp/p.deb; exit 0`,
    probe: http,
    expected: 'broken',
  },
  {
    name: 'whole release, with nginx, restarted',
    install: 'nginx-light',
    change: wholeRelease,
    guard: ['--restart'],
    restart: true,
    probe: http,
    expected: 'healthy',
  },
];
