import { greets, greetsInside, install, page, replies, upgrade, write } from '../words.mjs';

const directory =
  'ldapsearch -x -o nettimeout=3 -H ldap://127.0.0.1 -s base -b "" namingContexts | grep -q namingContexts:';
const pythonShop = `python3 -m venv /srv/shop && mkdir /srv/shop/lib/python3.11/site-packages/shop && echo 'name = "shop"' >/srv/shop/lib/python3.11/site-packages/shop/__init__.py
${write(
  '/srv/shop/serve.py',
  `import shop, http.server
http.server.test(http.server.SimpleHTTPRequestHandler, port=80)`,
)}
${write(
  '/etc/systemd/system/shop.service',
  '[Service]\nExecStart=/srv/shop/bin/python /srv/shop/serve.py\nRestart=on-failure\nRestartSec=2\n[Install]\nWantedBy=multi-user.target',
)} systemctl enable --now shop`;

export const other = [
  {
    name: 'openldap',
    install: 'slapd ldap-utils',
    change: upgrade('slapd', 'ldap-utils'),
    probe: directory,
    expected: 'healthy',
  },
  {
    name: 'openssh',
    install: 'openssh-server',
    change: upgrade('openssh-server'),
    probe: greets(22, '^SSH-2'),
    expected: 'healthy',
  },
  {
    name: 'openssh, an algorithm that the new version no longer has',
    install: 'openssh-server',
    configure: `echo 'PubkeyAcceptedAlgorithms +ssh-dss' >/etc/ssh/sshd_config.d/90-old-keys.conf; systemctl restart ssh`,
    change: upgrade('openssh-server'),
    restart: true,
    probe: greets(22, '^SSH-2'),
    expected: 'broken',
  },
  {
    name: 'openssh, a setting that no version knows, noticed at the restart',
    install: 'openssh-server',
    change: `echo 'AllowUsersX root' >/etc/ssh/sshd_config.d/90-team.conf; ${upgrade('openssh-server')}; systemctl restart ssh || true`,
    probe: greets(22, '^SSH-2'),
    expected: 'broken',
  },
  {
    name: 'proftpd, modules that the new version no longer has',
    install: 'proftpd-core',
    change: upgrade('proftpd-core'),
    probe: greets(21, '^220'),
    expected: 'broken',
  },
  { name: 'vsftpd', install: 'vsftpd', change: upgrade('vsftpd'), probe: greets(21, '^220'), expected: 'healthy' },
  {
    name: 'rabbitmq',
    install: 'rabbitmq-server',
    change: upgrade('rabbitmq-server'),
    probe: 'timeout 20 rabbitmqctl -q status >/dev/null',
    expected: 'failed',
  },
  {
    name: 'samba',
    install: 'samba smbclient',
    // Its name server is sometimes not started anew by the upgrade (the old one is still there): a case of its own kind of luck.
    configure: 'systemctl disable -q --now nmbd',
    change: upgrade('samba', 'smbclient'),
    probe: 'timeout 10 smbclient -N -L 127.0.0.1 >/dev/null',
    expected: 'healthy',
  },
  {
    name: 'mosquitto',
    install: 'mosquitto',
    change: upgrade('mosquitto'),
    probe: `perl -MIO::Socket::INET -e '$SIG{ALRM} = sub { exit 1 }; alarm 5; $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:1883") or exit 1;
      print $s "\\x10\\x0e\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00\\x02ab"; read($s, $r, 4); exit(ord($r) == 0x20 ? 0 : 1)'`,
    expected: 'healthy',
  },
  {
    name: 'a python program in an environment made for the old version, at the next boot',
    install: 'python3-venv',
    configure: pythonShop,
    change: upgrade('python3'),
    restart: true,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'prosody',
    install: 'prosody',
    change: upgrade('prosody'),
    probe: replies(
      5222,
      'stream:features',
      '<?xml version="1.0"?><stream:stream to="localhost" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" version="1.0">',
    ),
    expected: 'healthy',
  },
  {
    name: 'a package whose maintainer script fails',
    install: 'nginx-light',
    change: `mkdir -p /tmp/p/DEBIAN; printf 'Package: halfway\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@localhost>\\nDescription: x\\n' >/tmp/p/DEBIAN/control
      printf '#!/bin/sh\\nsystemctl stop nginx\\nexit 1\\n' >/tmp/p/DEBIAN/postinst; chmod 755 /tmp/p/DEBIAN/postinst
      dpkg-deb --build /tmp/p /tmp/p.deb; dpkg -i /tmp/p.deb; exit 0`,
    probe: page,
    expected: 'broken',
  },
  {
    name: 'a unit that is masked by the change',
    install: 'nginx-light memcached',
    change: `${install('lighttpd')}; systemctl mask --now nginx; systemctl restart lighttpd; systemctl mask --now memcached`,
    probe: greetsInside(11211, 'VERSION', 'version'),
    expected: 'broken',
  },
];
