import { greets, greetsInside, install, upgrade } from '../words.mjs';

export const mail = [
  {
    name: 'dovecot, whose configuration nobody has touched',
    install: 'dovecot-imapd',
    change: upgrade('dovecot-imapd'),
    probe: greets(143, 'OK'),
    expected: 'healthy',
  },
  {
    name: 'dovecot, a configuration of the old syntax',
    install: 'dovecot-imapd',
    configure: `sed -i 's#^mail_location.*#mail_location = maildir:~/Maildir#' /etc/dovecot/conf.d/10-mail.conf; systemctl restart dovecot`,
    change: upgrade('dovecot-imapd'),
    probe: greets(143, 'OK'),
    expected: 'failed',
  },
  {
    name: 'dovecot, with the configuration of the new version',
    install: 'dovecot-imapd',
    change: upgrade('dovecot-imapd').replace('force-confold', 'force-confnew'),
    probe: greets(143, 'OK'),
    expected: 'healthy',
  },
  { name: 'postfix', install: 'postfix', change: upgrade('postfix'), probe: greets(25, '^220'), expected: 'healthy' },
  {
    name: 'exim',
    install: 'exim4-daemon-light',
    change: upgrade('exim4-daemon-light'),
    probe: greetsInside(25, '^220'),
    expected: 'healthy',
  },
  {
    name: 'exim, an option that no version knows, noticed at the upgrade',
    install: 'exim4-daemon-light',
    change: `sed -i '1i no_such_option = yes' /etc/exim4/exim4.conf.template; ${upgrade('exim4-daemon-light')}`,
    probe: greetsInside(25, '^220'),
    expected: 'failed',
  },
  {
    name: 'exim replaced by postfix',
    install: 'exim4-daemon-light',
    change: install('postfix'),
    probe: greetsInside(25, '^220'),
    expected: 'healthy',
  },
  {
    name: 'opensmtpd',
    install: 'opensmtpd',
    change: upgrade('opensmtpd'),
    probe: greetsInside(25, '^220'),
    expected: 'healthy',
  },
];
