// How services start: slowly, never, not any more after a while, or not at the next boot; under other names; under a supervisor.
import { greetsInside, install, page, pageSaying, upgrade, write } from '../words.mjs';

const program = `import http.server, os, time
time.sleep(int(os.environ.get("WAIT", "0")))
http.server.test(http.server.SimpleHTTPRequestHandler, port=80)`;
const unit = (name, python = '/usr/bin/python3') =>
  `${write(`/etc/systemd/system/${name}.service`, `[Service]\nWorkingDirectory=/srv\nExecStart=${python} /srv/serve.py\n[Install]\nWantedBy=multi-user.target`)}
systemctl daemon-reload; systemctl enable --now ${name}`;
const shop = `${write('/srv/serve.py', program)} ${unit('shop')}`;
const dropIn = (name, text) =>
  `${write(`/etc/systemd/system/${name}.service.d/more.conf`, `[Service]\n${text}`)} systemctl daemon-reload`;
const supervised = (python) => `${write('/srv/serve.py', program)}
${write('/etc/supervisor/conf.d/shop.conf', `[program:shop]\ncommand=${python} /srv/serve.py\ndirectory=/srv`)} systemctl restart supervisor`;
const ownEnvironment = `python3 -m venv /srv/python && echo 'name = "shop"' >/srv/python/lib/python3.11/site-packages/shop.py`;

export const start = [
  {
    name: 'a program that listens twenty seconds after its start',
    install: 'python3',
    configure: shop,
    change: `${upgrade('python3')}; ${dropIn('shop', 'Environment=WAIT=20')}; systemctl restart shop`,
    settleSeconds: 25,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'nginx, whose start takes twenty seconds',
    install: 'nginx-light',
    change: `${upgrade('nginx-light')}; ${dropIn('nginx', 'ExecStartPre=/bin/sleep 20')}; systemctl restart --no-block nginx`,
    settleSeconds: 25,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'nginx, whose start never ends',
    install: 'nginx-light',
    change: `${upgrade('nginx-light')}; ${dropIn('nginx', 'ExecStartPre=/bin/sleep infinity\nTimeoutStartSec=infinity')}; systemctl restart --no-block nginx`,
    settleSeconds: 25,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'nginx, disabled by the change, at the next boot',
    install: 'nginx-light',
    change: `${upgrade('nginx-light')} && systemctl disable nginx`,
    restart: true,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'a unit of the administrator with another name',
    install: 'python3',
    configure: shop,
    change: `systemctl disable --now shop; rm /etc/systemd/system/shop.service; ${unit('market')}`,
    settleSeconds: 5,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'a program under a supervisor',
    install: 'supervisor',
    configure: supervised('/usr/bin/python3'),
    change: upgrade('supervisor', 'python3'),
    settleSeconds: 10,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'a program under a supervisor, in an environment made for the old version',
    install: 'supervisor python3-venv',
    configure: `${ownEnvironment}; ${supervised('/srv/python/bin/python')}; sed -i '1i import shop' /srv/serve.py; systemctl restart supervisor`,
    change: upgrade('supervisor', 'python3'),
    settleSeconds: 10,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'packages left unpacked and not configured',
    install: 'nginx-light',
    change: `sed -i 's/bookworm/trixie/g' $(grep -rl bookworm /etc/apt/sources.list.d); apt-get update -qq; cd /tmp; apt-get download -qq nginx-common; dpkg --unpack --force-depends nginx-common*.deb`,
    probe: `test -z "$(dpkg --audit)"`,
    expected: 'broken',
  },
  {
    name: 'services that nobody connects to, removed on purpose',
    install: 'nginx-light cron rsyslog',
    change: `apt-get purge -y -qq cron rsyslog && ${upgrade('nginx-light')}`,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'scripts behind a socket of systemd',
    install: 'nginx-light fcgiwrap',
    configure: `printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\n\\\\nthe shop is open\\\\n"\\n' >/srv/shop; chmod 755 /srv/shop
      ${write('/etc/nginx/sites-available/default', 'server { listen 80 default_server; location / { include fastcgi_params; fastcgi_param SCRIPT_FILENAME /srv/shop; fastcgi_pass unix:/run/fcgiwrap.socket; } }')} systemctl restart nginx`,
    change: upgrade('nginx-light', 'fcgiwrap'),
    probe: pageSaying('the shop is open'),
    expected: 'healthy',
  },
  {
    name: 'memcached, disabled, and its socket served by another program',
    install: 'memcached',
    change: `systemctl disable --now memcached; ${write('/etc/systemd/system/cache.service', '[Service]\nUser=memcache\nExecStart=/usr/bin/memcached -l 127.0.0.1 -m 32\n[Install]\nWantedBy=multi-user.target')} systemctl enable --now cache; ${install('ca-certificates')}`,
    probe: greetsInside(11211, 'VERSION', 'version'),
    expected: 'healthy',
  },
];
