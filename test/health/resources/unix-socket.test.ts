import { describe, expect, test } from 'vitest';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Facts, UnixSocket } from '../../../src/health/facts.ts';
import { deciding, facts, owner, process, service, units, unix } from '../example-facts.ts';

const mysqld = owner('mariadb.service', 'mariadbd');
const php = owner('php8.2-fpm.service', 'php-fpm8.2');
const php4 = owner('php8.4-fpm.service', 'php-fpm8.4');

const compareUnix = (
  before: readonly UnixSocket[],
  after: readonly UnixSocket[],
  references: Record<string, string[]> = {},
  more: Partial<Facts> = {},
): string[] =>
  deciding(
    compareFacts(
      facts({ unixSockets: before }),
      facts({ unixSockets: after, configuration: { signatures: {}, listenLines: {}, references, zones: [] }, ...more }),
    ),
  );

describe('named unix sockets', () => {
  test('gone, although the service runs', () => {
    expect(compareUnix([unix('/run/mysqld/mysqld.sock', mysqld)], [])).toEqual([
      'mariadb.service: socket /run/mysqld/mysqld.sock is gone',
    ]);
  });

  test('moved elsewhere by the same service', () => {
    expect(compareUnix([unix('/run/mysqld/mysqld.sock', mysqld)], [unix('/var/lib/mysql/mysql.sock', mysqld)])).toEqual(
      ['mariadb.service: socket /run/mysqld/mysqld.sock is gone, /var/lib/mysql/mysql.sock is new'],
    );
  });

  test('with a random name, and of the helpers of GnuPG', () => {
    const agent = owner('agent.service');
    expect(compareUnix([unix('/run/agent/s.aB3dE7', agent)], [unix('/run/agent/s.Zy9xW8', agent)])).toEqual([]);
    expect(compareUnix([unix('/run/agent/s.primary', agent)], [unix('/run/agent/s.standby', agent)])).toHaveLength(1);
    expect(compareUnix([unix('/etc/pacman.d/gnupg/S.gpg-agent', agent)], [])).toEqual([]);
  });

  test('replaced by that of a new version: fine, unless somebody still names the old one', () => {
    const [before, after] = [[unix('/run/php/php8.2-fpm.sock', php)], [unix('/run/php/php8.4-fpm.sock', php4)]];
    expect(compareUnix(before, after)).toEqual([]);
    expect(compareUnix(before, after, { '/run/php/php8.2-fpm.sock': ['/etc/php/8.2/fpm/pool.d/www.conf'] })).toEqual(
      [],
    );
    expect(compareUnix(before, after, { '/run/php/php8.2-fpm.sock': ['/etc/nginx/sites-available/shop'] })).toEqual([
      'php8.2-fpm.service: socket /run/php/php8.2-fpm.sock is gone, /run/php/php8.4-fpm.sock is new, and /etc/nginx/sites-available/shop refers to it',
    ]);
  });

  test('a missing socket that somebody names makes the unit that went with its package required', () => {
    const before = facts({
      units: units(service('php8.2-fpm.service')),
      unixSockets: [unix('/run/php/php8.2-fpm.sock', php)],
    });
    const after = facts({
      units: units(service('php8.4-fpm.service')),
      unixSockets: [unix('/run/php/php8.4-fpm.sock', php4)],
      configuration: {
        signatures: {},
        listenLines: {},
        references: { '/run/php/php8.2-fpm.sock': ['/etc/nginx/nginx.conf'] },
        zones: [],
      },
    });
    expect(deciding(compareFacts(before, after))).toHaveLength(1);
  });

  test.each<[string, UnixSocket[], UnixSocket[]]>([
    [
      'one of several doors between the parts of a service',
      [unix('/run/dovecot/old-stats', owner('dovecot.service')), unix('/run/dovecot/auth', owner('dovecot.service'))],
      [unix('/run/dovecot/auth', owner('dovecot.service'))],
    ],
    ['of systemd itself', [unix('/run/systemd/io.system.ManagedOOM')], []],
    ['of a session', [unix('/run/user/1000/bus')], []],
    ['in a temporary folder', [unix('/tmp/ssh-XXXX/agent.1234')], []],
    ['with a random name', [unix('/run/docker/libnetwork/0123456789abcdef.sock', owner('docker.service'))], []],
    ['of a start that is over', [unix('/run/haproxy-master.sock.8772.tmp', owner('haproxy.service'))], []],
    ['appears', [], [unix('/run/new.sock', owner('new.service'))]],
  ])('that do not decide: %s', (_name, before, after) => {
    expect(compareUnix(before, after)).toEqual([]);
  });

  test('with a pid in its name, which a port or a version is not', () => {
    const before = facts({
      unixSockets: [
        unix('/run/tool/ctl.4711', owner('tool.service')),
        unix('/run/redis/redis-6379.sock', owner('redis.service')),
      ],
      processes: [process('tool', 4711), process('redis', 99)],
    });
    expect(deciding(compareFacts(before, facts()))).toEqual([
      'redis.service: socket /run/redis/redis-6379.sock is gone',
    ]);
  });

  test('of PostgreSQL, whose name ends with its port', () => {
    expect(compareUnix([unix('/run/postgresql/.s.PGSQL.5432', owner('postgresql@15-main.service'))], [])).toHaveLength(
      1,
    );
  });

  test('that another service names in a file with the words of the first one', () => {
    const references = { '/run/php/php8.2-fpm.sock': ['/etc/nginx/snippets/php.conf'] };
    const configuration = { signatures: {}, listenLines: {}, references, zones: [] };
    const before = facts({
      units: units(service('php8.2-fpm.service'), service('nginx.service')),
      unixSockets: [unix('/run/php/php8.2-fpm.sock', php)],
      configuration,
    });
    const after = (...running: readonly string[]): Facts =>
      facts({ units: units(...running.map((id) => service(id))), configuration });
    expect(deciding(compareFacts(before, after('nginx.service')))).toEqual([
      'php8.2-fpm.service was running, is gone with its unit file; socket /run/php/php8.2-fpm.sock is gone, and /etc/nginx/snippets/php.conf refers to it',
    ]);
    // A new version beside the old one: whether the other service uses it is for its answers to say.
    const next = {
      ...after('nginx.service', 'php8.4-fpm.service'),
      unixSockets: [unix('/run/php/php8.4-fpm.sock', php4)],
    };
    expect(deciding(compareFacts(before, next))).toEqual([]);
  });

  test('of a helper that the service starts when it is needed', () => {
    const held = (by: string, ...running: readonly string[]): Facts =>
      facts({
        units: units(service('winbind.service', { mainPid: 7 })),
        unixSockets: by === '' ? [] : [unix('/run/samba/np/lsarpc', owner('winbind.service', by))],
        processes: ['winbindd', ...running].map((name, at) => process(name, 7 + at, { unit: 'winbind.service' })),
      });
    expect(deciding(compareFacts(held('samba-dcerpcd', 'samba-dcerpcd'), held('')))).toEqual([]);
    expect(deciding(compareFacts(held('samba-dcerpcd', 'samba-dcerpcd'), held('', 'samba-dcerpcd')))).toHaveLength(1);
    expect(deciding(compareFacts(held('winbindd'), held('')))).toHaveLength(1);
  });

  test('of a unit whose removal the command names: who needs it says so in a file', () => {
    const before = facts({
      units: units(service('fail2ban.service')),
      unixSockets: [unix('/run/fail2ban/fail2ban.sock', owner('fail2ban.service'))],
    });
    const intent = { removes: ['fail2ban'] };
    expect(deciding(compareFacts(before, facts(), { intent }))).toEqual([]);
    const references = { '/run/fail2ban/fail2ban.sock': ['/etc/watcher/watcher.conf'] };
    const after = facts({ configuration: { signatures: {}, listenLines: {}, references, zones: [] } });
    expect(deciding(compareFacts(before, after, { intent }))).toHaveLength(1);
  });

  test('unknown on either side', () => {
    const known = facts({ unixSockets: [unix('/run/mysqld/mysqld.sock', mysqld)] });
    expect(compareFacts(known, facts({ unixSockets: null }))).toEqual([]);
  });
});
