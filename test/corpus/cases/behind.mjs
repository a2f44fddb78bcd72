// Services that still listen and greet, while what is behind them is gone: a directory, a table of a mail server, a program.
import { programSaying, siteSaying, takesMailFor, upgrade, wholeRelease, write } from '../words.mjs';

const directoryHas = (entry) =>
  `ldapsearch -x -o nettimeout=3 -H ldap://127.0.0.1 -s base -b '${entry}' dn | grep -q '^dn: ${entry}'`;
const program = `echo '<?php echo "sum ", 40 + 2;' >/var/www/html/index.php`;

export const behind = [
  {
    name: 'openldap, whose data stays behind in another folder',
    install: 'slapd ldap-utils',
    change: `${upgrade('slapd', 'ldap-utils')} && systemctl stop slapd && mv /var/lib/ldap /var/lib/ldap.old &&
      install -d -o openldap -g openldap -m 700 /var/lib/ldap && systemctl start slapd`,
    probe: directoryHas('dc=nodomain'),
    expected: 'broken',
  },
  {
    name: 'openldap, made anew for another domain',
    install: 'slapd ldap-utils',
    change: `${upgrade('slapd', 'ldap-utils')} && printf 'slapd slapd/domain string example.test\\nslapd shared/organization string example\\nslapd slapd/move_old_database boolean true\\nslapd slapd/no_configuration boolean false\\n' | debconf-set-selections &&
      dpkg-reconfigure -f noninteractive slapd`,
    probe: directoryHas('dc=nodomain'),
    expected: 'broken',
  },
  {
    name: 'openldap, whose configuration can no longer be read',
    install: 'slapd ldap-utils',
    change: `${upgrade('slapd', 'ldap-utils')} && chown -R root: /etc/ldap/slapd.d && chmod -R go= /etc/ldap/slapd.d; systemctl restart slapd; true`,
    probe: directoryHas('dc=nodomain'),
    expected: 'broken',
  },
  {
    name: 'postfix, a table of which is gone',
    install: 'postfix',
    configure: `echo 'office@example.test root' >/etc/postfix/virtual; postmap /etc/postfix/virtual; postconf -e virtual_alias_maps=hash:/etc/postfix/virtual; systemctl restart postfix`,
    change: `${upgrade('postfix')} && rm -f /etc/postfix/virtual.db && postfix reload`,
    probe: takesMailFor('postmaster@localhost'),
    expected: 'broken',
  },
  {
    name: 'postfix, whose filter is gone',
    install: 'postfix opendkim',
    configure: `sed -i 's/^Socket.*/Socket inet:8891@127.0.0.1/; s/^Mode.*/Mode v/' /etc/opendkim.conf; systemctl restart opendkim; postconf -e smtpd_milters=inet:127.0.0.1:8891; systemctl restart postfix`,
    change: `${upgrade('postfix')} && apt-get purge -y -qq opendkim`,
    probe: takesMailFor('postmaster@localhost'),
    expected: 'broken',
  },
  {
    name: 'postfix, whose filter is no longer used',
    install: 'postfix opendkim',
    configure: `sed -i 's/^Mode.*/Mode v/' /etc/opendkim.conf; systemctl restart opendkim; systemctl restart postfix`,
    change: `${upgrade('postfix')} && apt-get purge -y -qq opendkim`,
    probe: takesMailFor('postmaster@localhost'),
    expected: 'healthy',
  },
  {
    name: 'apache, whose first page is well and whose program is delivered as its source',
    install: 'apache2 libapache2-mod-php8.2 php8.2-cli',
    configure: program,
    change: `${upgrade('apache2', 'libapache2-mod-php8.2-')}; systemctl restart apache2`,
    probe: programSaying('/index.php', 'sum 42'),
    expected: 'broken',
  },
  {
    name: 'whole release, with apache and a program, restarted',
    install: 'apache2 libapache2-mod-php8.2 php8.2-cli',
    configure: program,
    change: wholeRelease,
    restart: true,
    probe: programSaying('/index.php', 'sum 42'),
    expected: 'broken',
  },
  {
    name: 'nginx and apache, each with a site of its own name',
    install: 'nginx-light apache2',
    configure: `mkdir -p /srv/shop /srv/market; echo 'the shop is open' >/srv/shop/index.html; echo 'the market is open' >/srv/market/index.html
      sed -i 's/^Listen 80/Listen 8080/' /etc/apache2/ports.conf; sed -i 's/:80>/:8080>/' /etc/apache2/sites-available/000-default.conf
      ${write(
        '/etc/apache2/sites-available/market.conf',
        '<VirtualHost *:8080>\n  ServerName market.example.test\n  DocumentRoot /srv/market\n  <Directory /srv/market>\n    Require all granted\n  </Directory>\n</VirtualHost>',
      )} a2ensite -q market; systemctl restart apache2
      ${write(
        '/etc/nginx/conf.d/sites.conf',
        'server { listen 80; server_name shop.example.test www.shop.example.test; root /srv/shop; }\nserver { listen 80; server_name market.example.test; location / { proxy_pass http://127.0.0.1:8080; proxy_set_header Host $host; } }',
      )} systemctl restart nginx`,
    change: upgrade('nginx-light', 'apache2'),
    probe: `${siteSaying('shop.example.test', 'the shop is open')} && ${siteSaying('market.example.test', 'the market is open')}`,
    expected: 'healthy',
  },
  {
    name: 'whole release, with a site of its own name under apache, restarted',
    install: 'apache2 libapache2-mod-php8.2 php8.2-cli',
    configure: `mkdir -p /srv/shop; echo '<?php echo "sum ", 40 + 2;' >/srv/shop/index.php
      ${write(
        '/etc/apache2/sites-available/shop.conf',
        '<VirtualHost *:80>\n  ServerName shop.example.test\n  DocumentRoot /srv/shop\n  <Directory /srv/shop>\n    Require all granted\n  </Directory>\n</VirtualHost>',
      )} a2ensite -q shop; systemctl restart apache2`,
    change: wholeRelease,
    restart: true,
    probe: siteSaying('shop.example.test', 'sum 42'),
    expected: 'broken',
  },
  {
    name: 'whole release, with php under nginx, and what is no longer needed removed',
    install: 'nginx-light php8.2-fpm',
    configure: `${program}; apt-mark auto php8.2-fpm >/dev/null
      ${write(
        '/etc/nginx/sites-available/default',
        `server { listen 80 default_server; root /var/www/html; index index.php;
  location ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:/run/php/php8.2-fpm.sock; } }`,
      )} systemctl restart nginx`,
    change: `${wholeRelease} && apt-get autoremove --purge -y -qq`,
    probe: programSaying('/index.php', 'sum 42'),
    expected: 'broken',
  },
];
