import { greets, page, wholeRelease, write } from '../words.mjs';

export const release = [
  {
    name: 'whole release, with nginx, restarted',
    install: 'nginx-light',
    change: wholeRelease,
    restart: true,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'whole release, with apache and php, not restarted',
    install: 'apache2 php',
    change: wholeRelease,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'whole release, with dovecot and postfix',
    install: 'dovecot-imapd postfix',
    change: wholeRelease,
    restart: true,
    probe: greets(143, 'OK'),
    expected: 'failed',
  },
  {
    name: 'whole release, degraded all along, with nginx',
    install: 'nginx-light',
    configure: `${write('/etc/systemd/system/old.service', '[Service]\nType=oneshot\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target')} systemctl enable old; systemctl start old; true`,
    change: wholeRelease,
    restart: true,
    probe: page,
    expected: 'healthy',
  },
  {
    name: 'whole release, without the network after the next boot',
    install: 'nginx-light',
    change: `${wholeRelease} && apt-get purge -y -qq ifupdown dhcpcd-base isc-dhcp-client`,
    restart: true,
    probe: page,
    expected: 'broken',
  },
];
