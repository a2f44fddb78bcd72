import { page, replies, upgrade, write } from '../words.mjs';

const backend = (
  more,
) => `sed -i 's/80 default_server/8080 default_server/' /etc/nginx/sites-available/default; systemctl restart nginx
${write(
  '/etc/haproxy/haproxy.cfg',
  `global
  daemon
  ${more}
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend site
  bind :80
  default_backend pages
backend pages
  server one 127.0.0.1:8080`,
)} systemctl restart haproxy`;
const viaProxy = (port) => replies(port, ' 200', 'GET http://127.0.0.1/ HTTP/1.0\r\n');

export const proxy = [
  {
    name: 'haproxy before nginx',
    install: 'haproxy nginx-light',
    configure: backend(''),
    change: upgrade('haproxy'),
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'haproxy, a keyword of old times',
    install: 'haproxy nginx-light',
    configure: backend('').replace('  bind :80', '  bind :80 process 1'),
    change: upgrade('haproxy'),
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'squid, whose configuration its package makes anew',
    install: 'squid nginx-light',
    configure: `printf 'http_access allow all\\n' >/etc/squid/conf.d/office.conf; sed -i 's/^http_access deny to_localhost//' /etc/squid/squid.conf; systemctl restart squid`,
    change: upgrade('squid'),
    probe: viaProxy(3128),
    expected: 'broken',
  },
  {
    name: 'tinyproxy',
    install: 'tinyproxy nginx-light',
    configure: `sed -i 's/^Allow .*//' /etc/tinyproxy/tinyproxy.conf; systemctl restart tinyproxy`,
    change: upgrade('tinyproxy'),
    probe: viaProxy(8888),
    expected: 'healthy',
  },
];
