import { install, page, pageSaying, upgrade, write } from '../words.mjs';

const phpSite = (socket) =>
  `${write(
    '/etc/nginx/sites-available/default',
    `server { listen 80 default_server; root /var/www/html; index index.php;
  location ~ \\.php$ { include snippets/fastcgi-php.conf; fastcgi_pass unix:${socket}; } }`,
  )} echo '<?php echo "sum ", 40 + 2;' >/var/www/html/index.php; systemctl restart nginx`;
const certificate = `mkdir -p /etc/ssl/private; openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=example.test -keyout /etc/ssl/private/site.key -out /etc/ssl/certs/site.pem 2>/dev/null`;
const oldTls = `${certificate}; ${write(
  '/etc/nginx/conf.d/secure.conf',
  'server { listen 443; ssl on; ssl_certificate /etc/ssl/certs/site.pem; ssl_certificate_key /etc/ssl/private/site.key; root /var/www/html; }',
)} systemctl restart nginx`;

export const web = [
  { name: 'nginx', install: 'nginx-light', change: upgrade('nginx-light'), probe: page, expected: 'healthy' },
  {
    name: 'nginx, a directive that the new version no longer knows',
    install: 'nginx-light openssl',
    configure: oldTls,
    change: `${upgrade('nginx-light')}; systemctl restart nginx; true`,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'nginx, the same directive, noticed at the next boot',
    install: 'nginx-light openssl',
    configure: oldTls,
    change: `${upgrade('nginx-light')}; true`,
    restart: true,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'nginx moved to loopback by a fragment of the deploy',
    install: 'nginx-light',
    change: `sed -i 's/listen 80 default_server/listen 127.0.0.1:80 default_server/; s/listen \\[::\\]:80/# listen [::]:80/' /etc/nginx/sites-available/default; systemctl restart nginx`,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'nginx replaced by lighttpd on the same port',
    install: 'nginx-light',
    change: `apt-get remove -y -qq nginx-light nginx nginx-common && ${install('lighttpd')} && systemctl restart lighttpd`,
    probe: page,
    expected: 'healthy',
  },
  { name: 'apache', install: 'apache2', change: upgrade('apache2'), probe: page, expected: 'healthy' },
  {
    name: 'apache with php, the new version in the place of the old one',
    install: 'apache2 libapache2-mod-php8.2 php8.2-cli',
    configure: `rm -f /var/www/html/index.html; echo '<?php echo "sum ", 40 + 2;' >/var/www/html/index.php; systemctl restart apache2`,
    change: `${upgrade('libapache2-mod-php8.4', 'libapache2-mod-php8.2-')}; systemctl restart apache2`,
    probe: pageSaying('sum 42'),
    expected: 'healthy',
  },
  {
    name: 'apache whose php went away: it delivers the source',
    install: 'apache2 libapache2-mod-php8.2 php8.2-cli',
    configure: `rm -f /var/www/html/index.html; echo '<?php echo "sum ", 40 + 2;' >/var/www/html/index.php; systemctl restart apache2`,
    change: `${upgrade('apache2', 'libapache2-mod-php8.2-')}; systemctl restart apache2`,
    probe: pageSaying('sum 42'),
    expected: 'broken',
  },
  {
    name: 'lighttpd',
    install: 'lighttpd',
    change: upgrade('lighttpd'),
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'php under nginx, whose socket has the old version in its name',
    install: 'nginx-light php8.2-fpm',
    configure: phpSite('/run/php/php8.2-fpm.sock'),
    change: upgrade('php8.4-fpm', 'php8.2-fpm-'),
    probe: pageSaying('sum 42'),
    expected: 'broken',
  },
  {
    name: 'php under nginx, whose socket has a name without a version',
    install: 'nginx-light php8.2-fpm',
    configure: phpSite('/run/php/php-fpm.sock'),
    change: upgrade('php8.4-fpm', 'php8.2-fpm-'),
    probe: pageSaying('sum 42'),
    expected: 'healthy',
  },
];
