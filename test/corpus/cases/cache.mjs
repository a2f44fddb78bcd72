import { greetsInside, page, replies, upgrade, upgradeReplacing } from '../words.mjs';

const pong = greetsInside(6379, 'PONG', 'PING');

export const cache = [
  { name: 'redis', install: 'redis-server', change: upgrade('redis-server'), probe: pong, expected: 'healthy' },
  {
    name: 'redis, whose configuration is replaced by the maintainer’s',
    install: 'redis-server',
    configure: `sed -i 's/^bind .*/bind 0.0.0.0/; s/^protected-mode yes/protected-mode no/' /etc/redis/redis.conf; systemctl restart redis-server`,
    change: upgradeReplacing('redis-server'),
    probe: replies(6379, 'PONG', 'PING'),
    expected: 'broken',
  },
  {
    name: 'redis that dies eight seconds after its start',
    install: 'redis-server',
    change: `mkdir -p /etc/systemd/system/redis-server.service.d
      printf '[Service]\\nRuntimeMaxSec=8\\nRestart=no\\n' >/etc/systemd/system/redis-server.service.d/limit.conf
      systemctl daemon-reload; systemctl restart redis-server`,
    settleSeconds: 12,
    probe: pong,
    expected: 'broken',
  },
  {
    name: 'memcached',
    install: 'memcached',
    change: upgrade('memcached'),
    probe: greetsInside(11211, 'VERSION', 'version'),
    expected: 'healthy',
  },
  {
    name: 'memcached, removed together with its package and nothing in its place',
    install: 'memcached',
    change: 'apt-get remove -y -qq memcached',
    probe: greetsInside(11211, 'VERSION', 'version'),
    expected: 'broken',
    // The command names what it takes away: nobody is to put it back.
    intended: true,
  },
  {
    name: 'varnish before nginx',
    install: 'varnish nginx-light',
    configure: `sed -i 's/80 default_server/8080 default_server/' /etc/nginx/sites-available/default; sed -i 's/"8080"/"8080"/' /etc/varnish/default.vcl; systemctl restart nginx
      sed 's/-a :6081/-a :80/' /lib/systemd/system/varnish.service >/etc/systemd/system/varnish.service; systemctl daemon-reload; systemctl restart varnish`,
    change: upgrade('varnish', 'nginx-light'),
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'memcached, stopped and masked by the change',
    install: 'memcached',
    change: 'systemctl mask --now memcached',
    probe: greetsInside(11211, 'VERSION', 'version'),
    expected: 'broken',
  },
];
