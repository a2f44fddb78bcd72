import { describe, expect, test } from 'vitest';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Facts, Process } from '../../../src/health/facts.ts';
import { intentOf, noIntent } from '../../../src/health/intent.ts';
import { accountsFrom } from '../../../src/health/resources/account/parse.ts';
import { authoritiesFrom } from '../../../src/health/resources/authority/index.ts';
import { hostKeysFrom } from '../../../src/health/resources/host-key/index.ts';
import { jobsFrom } from '../../../src/health/resources/job/parse.ts';
import { kernelSettingsFrom } from '../../../src/health/resources/kernel-setting/parse.ts';
import { logFrom } from '../../../src/health/resources/log/parse.ts';
import { mountsFrom } from '../../../src/health/resources/mount/parse.ts';
import { privilegesFrom } from '../../../src/health/resources/privilege/index.ts';
import { programsFrom } from '../../../src/health/resources/program/parse.ts';
import { workplacesFrom } from '../../../src/health/resources/workplace/index.ts';
import { validationsFrom } from '../../../src/health/resources/validation/index.ts';
import type { Section } from '../../../src/health/probe/sections.ts';
import { facts, owner, process, service, tcp, units } from '../example-facts.ts';

const section = (...lines: readonly string[]): Section => ({ lines, status: 0 });

/** What decides, and what is only told, with a mark in front. */
const found = (before: Partial<Facts>, after: Partial<Facts>, command = '', restarted = false): string[] =>
  compareFacts(facts(before), facts(after), {
    restarted,
    intent: command === '' ? noIntent : intentOf(['sh', '-c', command]),
  }).map(({ severity, message }) => `${severity === 'required' ? 'fail' : 'info'}: ${message}`);

describe('jobs', () => {
  const jobs = (...lines: readonly string[]): Partial<Facts> => ({
    jobs: jobsFrom(section(...lines)),
    processes: [process('cron', 5)],
  });
  const backup = '/etc/cron.d/backup:0 3 * * * root /usr/local/bin/backup --all';

  test('a line that is gone', () => {
    expect(found(jobs(backup), jobs())).toEqual([
      'fail: cron had the job "backup" in /etc/cron.d/backup, and no longer has it',
    ]);
  });

  test('the same program at another time or with other words is the same job', () => {
    expect(found(jobs(backup), jobs('/etc/cron.d/backup:30 4 * * * root /usr/local/bin/backup --some'))).toEqual([]);
  });

  test('a timer of the same name instead', () => {
    const timer = units(service('backup.timer', { sub: 'waiting' }));
    expect(found(jobs(backup), { ...jobs(), units: timer })[0]).toMatch(/^info: .*something else replaced it/);
  });

  test('with its package, whose removal the command names', () => {
    expect(found(jobs(backup), jobs(), 'apt-get purge -y backup')[0]).toMatch(/^info: .*the command names its removal/);
  });

  test('a program that is gone, a table that cron passes over, and no daemon', () => {
    expect(found(jobs(backup), jobs(backup, 'missing /usr/local/bin/backup'))).toEqual([
      'fail: /usr/local/bin/backup, which a cron job runs, no longer exists',
    ]);
    expect(found(jobs(backup), jobs(backup, 'mode -rw-rw-r-- 0 /etc/cron.d/backup'))).toEqual([
      'fail: cron ignores /etc/cron.d/backup now: it is not owned by root, or other users can write to it',
    ]);
    expect(found({ ...jobs(backup), packaged: {} }, { ...jobs(backup), processes: [process('nginx', 6)] })).toEqual([
      'fail: nothing runs the jobs in /etc/cron.d/backup any more: no cron daemon is running',
    ]);
  });

  test('a job of at that was due is done', () => {
    const minute = Number.parseInt('01c1e2f3', 16) * 60;
    const before = jobs('at /var/spool/cron/atjobs/a0000101c1e2f3');
    expect(found(before, { ...jobs(), observedAt: minute + 5 })).toEqual([]);
    expect(found(before, { ...jobs(), observedAt: minute - 600 })).toEqual([
      'fail: at had the job "a0000101c1e2f3" in /var/spool/cron/atjobs, and no longer has it',
    ]);
    const later = jobs('at /var/spool/cron/atjobs/a0000201c1e3ff');
    expect(found(before, { ...later, observedAt: minute - 600 })[0]).toMatch(/^info: .*something else replaced it/);
  });
});

describe('timers', () => {
  const timer = service('nightly.timer', { sub: 'waiting', planned: true, lastTrigger: 'Mon' });

  test.each([
    [service('nightly.timer', { active: 'inactive', sub: 'dead', planned: false }), 'is stopped now'],
    [service('nightly.timer', { active: 'inactive', sub: 'dead', load: 'masked' }), 'is masked now'],
    [service('nightly.timer', { sub: 'elapsed', planned: false, lastTrigger: 'Mon' }), 'and is no longer scheduled'],
  ])('%#: %s', (now, words) => {
    expect(found({ units: units(timer) }, { units: units(now) })).toEqual([
      `fail: nightly.timer ran its job at set times, ${words}`,
    ]);
  });

  test('one that waited for a single moment, which has come', () => {
    const now = service('nightly.timer', { sub: 'elapsed', planned: false, lastTrigger: 'Tue' });
    expect(found({ units: units(timer) }, { units: units(now) })).toEqual([]);
  });

  test('a job that fails now', () => {
    const job = service('nightly.service', { active: 'failed', sub: 'failed', result: 'exit-code', type: 'oneshot' });
    expect(found({ units: units(timer) }, { units: units(timer, job) })).toContain(
      'fail: nightly.service, which nightly.timer runs, did not fail before and fails now: a step of its startup failed',
    );
  });
});

describe('programs', () => {
  const supervisor = process('supervisord', 10, { unit: 'supervisor.service', program: '/usr/bin/supervisord' });
  const worker = process('python3', 11, {
    parent: 10,
    ageMs: 5000,
    unit: 'supervisor.service',
    program: 'python /srv/worker.py',
  });
  const running = (...processes: readonly Process[]): Partial<Facts> => ({
    units: units(service('supervisor.service', { mainPid: 10 })),
    processes,
  });

  test('of a supervisor', () => {
    expect(found(running(supervisor, worker), running(supervisor))).toEqual([
      'fail: supervisor.service: python /srv/worker.py was running, is gone',
    ]);
    expect(found(running(supervisor, worker), running(supervisor, { ...worker, pid: 99 }))).toEqual([]);
  });

  test('left to run by a session: missed, but not after a restart', () => {
    const left = process('java', 12, { parent: 1, unit: 'session-3.scope', program: '/opt/game/server' });
    expect(found(running(supervisor, left), running(supervisor))).toEqual([
      'fail: /opt/game/server was running, is gone',
    ]);
    expect(found(running(supervisor, left), running(supervisor), '', true)[0]).toMatch(
      /^info: .*nothing starts it at boot/,
    );
  });

  test('a tool that a session left a moment ago, also in a young instance, is nobody to miss', () => {
    const young = { ...supervisor, ageMs: 40_000 };
    const tool = process('rsync', 13, { parent: 1, unit: 'session-3.scope', program: '/usr/bin/rsync', ageMs: 6000 });
    const old = process('sed', 14, { parent: 1, unit: 'session-3.scope', program: '/usr/bin/sed', ageMs: 90_000 });
    expect(found(running(young, tool, old), running(young))).toEqual([]);
    expect(found(running(young, { ...tool, ageMs: 31_000 }), running(young))).toEqual([
      'fail: /usr/bin/rsync was running, is gone',
    ]);
  });

  test('half of the workers of a master', () => {
    const workers = [1, 2, 3, 4].map((number) =>
      process('gunicorn', 20 + number, { parent: 10, unit: 'supervisor.service', program: '/usr/bin/gunicorn' }),
    );
    expect(found(running(supervisor, ...workers), running(supervisor, ...workers.slice(0, 2)))).toEqual([
      'fail: supervisor.service: 4 processes of /usr/bin/gunicorn were running, now 2',
    ]);
    expect(found(running(supervisor, ...workers), running(supervisor, ...workers.slice(0, 3)))).toEqual([]);
  });

  test('are told by file and script, without arguments', () => {
    const programs = programsFrom(
      section(
        '/proc/7/exe -> /usr/bin/python3.11',
        '/proc/8/exe -> /usr/sbin/nginx',
        '==> /proc/7/cmdline <==',
        '/usr/bin/python3\t-u\t/srv/app.py\t--password=secret\t',
        '',
        '==> /proc/8/cmdline <==',
        'nginx: master process /usr/sbin/nginx',
      ),
    );
    expect([...programs]).toEqual([
      [7, 'python /srv/app.py'],
      [8, '/usr/sbin/nginx'],
    ]);
  });
});

describe('who may connect to a unix socket', () => {
  const at = (mode: number, gid: number): Partial<Facts> => ({
    unixSockets: [{ path: '/run/boxes.sock', owner: owner('boxes.service'), access: { mode, uid: 0, gid } }],
  });

  test.each([
    [at(0o660, 50), at(0o600, 0), 'the group 50'],
    [at(0o660, 50), at(0o660, 51), 'the group 50'],
    [at(0o666, 0), at(0o660, 0), 'every user'],
  ])('%#: %s', (before, after, who) => {
    expect(found(before, after)[0]).toContain(`fail: boxes.service: ${who} could connect to /run/boxes.sock`);
  });

  test('more than before is no loss', () => {
    expect(found(at(0o660, 50), at(0o666, 0))).toEqual([]);
  });
});

describe('accounts', () => {
  const accounts = (...lines: readonly string[]): Partial<Facts> => ({ accounts: accountsFrom(section(...lines)) });
  const deploy = 'deploy:x:1001:1001::/home/deploy:/bin/bash';
  const files = (user: string, group = 'www:x:33:deploy', locked = ''): Partial<Facts> =>
    accounts(user, 'groups', group, 'locked', locked);

  test.each([
    [files(''), 'the user deploy is gone'],
    [
      files(deploy.replace('/bin/bash', '/usr/sbin/nologin')),
      'the user deploy cannot log in any more: the shell is /usr/sbin/nologin',
    ],
    [files(deploy, 'www:x:33:'), 'the user deploy is no longer in the group www'],
    [files(deploy, 'www:x:33:deploy', 'deploy'), 'the password of the user deploy is locked now'],
  ])('%#: %s', (after, message) => {
    expect(found(files(deploy), after)).toEqual([`fail: ${message}`]);
  });

  test('an account that expired, and a password that a job of cron cannot renew', () => {
    const expired = (...lines: readonly string[]): Partial<Facts> =>
      accounts(deploy, 'groups', 'www:x:33:deploy', 'locked', 'expired', ...lines);
    expect(found(expired(), expired('account deploy'))).toEqual([
      'fail: the account deploy has expired: PAM refuses its logins and its jobs of cron',
    ]);
    const jobs = jobsFrom(section('/var/spool/cron/crontabs/deploy:* * * * * /bin/true'));
    const running = { jobs, processes: [process('cron', 5)] };
    expect(found({ ...expired(), ...running }, { ...expired('password deploy'), ...running })).toEqual([
      'fail: the password of deploy has expired: a login asks for a new one, and jobs of cron are refused',
    ]);
    expect(found(expired(), expired('password deploy'))[0]).toMatch(/^info: .*the user can give a new one/);
    expect(found(expired('account deploy'), expired('account deploy'))).toEqual([]);
    expect(found(files(deploy), files(deploy, 'www:x:33:deploy', 'deploy'))).toHaveLength(1);
  });

  test.each(['userdel -r deploy', 'deluser deploy', 'usermod -L -e 1 deploy', 'chage -E 0 deploy', 'passwd -l deploy'])(
    'one that the command names: %s',
    (command) => {
      expect(found(files(deploy), files(''), command)[0]).toMatch(/^info: .*the command names its removal/);
      expect(found(files(deploy), files(''), command.replace('deploy', 'deploy2'))[0]).toMatch(/^fail/);
    },
  );

  test('a group that is gone as a whole', () => {
    expect(found(files(deploy), accounts(deploy, 'groups', 'locked'))[0]).toMatch(/^info: .*the group itself is gone/);
  });

  test('of a package that nothing used', () => {
    const before = accounts('uucp:x:10:10::/:/usr/sbin/nologin', 'groups', 'locked');
    expect(found(before, accounts('groups', 'locked'))[0]).toMatch(/^info: the user uucp is gone/);
    const other = accounts('uucp:x:77:77::/:/usr/sbin/nologin', 'groups', 'locked');
    expect(found(before, other)[0]).toMatch(/^fail: the user uucp has the id 77 now/);
  });
});

describe('kernel settings', () => {
  const settings = (...lines: readonly string[]): Partial<Facts> => ({ kernel: kernelSettingsFrom(section(...lines)) });

  test('that nothing sets at the next boot', () => {
    expect(
      found(
        settings('/etc/sysctl.d/99-router.conf:net.ipv4.ip_forward = 1', 'values', '/proc/sys/net/ipv4/ip_forward:1'),
        settings('values', '/proc/sys/net/ipv4/ip_forward:1'),
      ),
    ).toEqual([
      'fail: /etc/sysctl.d/99-router.conf set net.ipv4.ip_forward to 1, and nothing sets it at the next boot any more',
    ]);
  });

  test('a file of /etc replaces one of the same name, and the last name decides', () => {
    const read = kernelSettingsFrom(
      section(
        '/usr/lib/sysctl.d/50-default.conf:net.core.somaxconn = 128',
        '/etc/sysctl.d/50-default.conf:net.core.somaxconn=4096',
        '/etc/sysctl.d/10-first.conf:net.core.somaxconn=1',
        'values',
      ),
    );
    expect(read?.configured).toEqual({
      'net.core.somaxconn': { value: '4096', file: '/etc/sysctl.d/50-default.conf' },
    });
  });

  test('that were switched off', () => {
    const at = (value: string): Partial<Facts> => settings('values', `/proc/sys/net/ipv4/ip_forward:${value}`);
    expect(found(at('1'), at('0'))).toEqual(['fail: net.ipv4.ip_forward was 1, is 0 now']);
    expect(found(at('0'), at('1'))).toEqual([]);
  });
});

describe('mounts', () => {
  const mounts = (...lines: readonly string[]): Partial<Facts> => ({ mounts: mountsFrom(section(...lines)) });
  const data = '/dev/loop1 /srv/data ext4 rw,relatime 0 0';

  test.each([
    [mounts('fstab', '/dev/loop1 /srv/data ext4'), '/srv/data was mounted, is not any more'],
    [
      mounts(data.replace('rw', 'ro'), 'fstab', '/dev/loop1 /srv/data ext4'),
      '/srv/data could be written to, is read-only now',
    ],
    [mounts(data, 'fstab'), '/etc/fstab does not mount /srv/data at the next boot any more'],
  ])('%#: %s', (after, message) => {
    expect(found(mounts(data, 'fstab', '/dev/loop1 /srv/data ext4'), after)).toEqual([`fail: ${message}`]);
  });
});

describe('where services work, and what keeps them out', () => {
  const redis = process('redis-server', 30, { unit: 'redis.service' });
  const at = (...lines: readonly string[]): Partial<Facts> => ({
    workplaces: workplacesFrom(
      section('uid 100 100 /proc/30', '/proc/30/cwd -> /var/lib/redis', ...lines),
      new Map([[30, redis]]),
    ),
  });

  test('a folder that its service may not write to any more', () => {
    expect(found(at('folder 750 100 100 /var/lib/redis'), at('folder 750 0 0 /var/lib/redis'))).toEqual([
      'fail: redis.service could write in /var/lib/redis, where it works, and may not any more',
    ]);
    expect(found(at('folder 750 0 0 /var/lib/redis'), at('folder 700 0 0 /var/lib/redis'))).toEqual([]);
  });

  test('a folder that not everybody may use any more', () => {
    expect(found(at('folder 1777 0 0 /tmp'), at('folder 755 0 0 /tmp'))).toEqual([
      'fail: every user could use /tmp, and may not any more (mode 777 became 755)',
    ]);
    expect(found(at('folder 755 0 0 /tmp'), at('folder 1777 0 0 /tmp'))).toEqual([]);
  });

  test('a file that keeps services from being started', () => {
    expect(found({ obstacles: [] }, { obstacles: ['/usr/sbin/policy-rc.d'] })).toEqual([
      'fail: /usr/sbin/policy-rc.d is there now: services are not started',
    ]);
    expect(found({ obstacles: ['/etc/nologin'] }, { obstacles: ['/etc/nologin'] })).toEqual([]);
  });
});

describe('configuration and privileges', () => {
  test('a configuration that a validator refuses now', () => {
    const said = (...lines: readonly string[]): Partial<Facts> => ({ validators: validationsFrom(section(...lines)) });
    expect(found(said('nginx 0 '), said('nginx 1 unknown directive "listn" in /etc/nginx/nginx.conf:3'))).toEqual([
      'fail: the configuration of nginx was valid and is not any more: it would not start again: unknown directive "listn" in /etc/nginx/nginx.conf:3',
    ]);
    expect(found(said('nginx 1 bad'), said('nginx 1 worse'))).toEqual([]);
    expect(found(said('nginx 0 '), said('nginx 124 '))).toEqual([]);
  });

  test('a module of PAM that does not exist', () => {
    const said = (...lines: readonly string[]): Partial<Facts> => ({ validators: validationsFrom(section(...lines)) });
    expect(found(said('pam 0 '), said('pam 1 there is no pam_tally2.so'))).toEqual([
      'fail: the configuration of pam was valid and is not any more: nobody can log in, and cron refuses jobs: there is no pam_tally2.so',
    ]);
  });

  test('capabilities of a program of one’s own', () => {
    const has = (...lines: readonly string[]): Partial<Facts> => ({ privileges: privilegesFrom(section(...lines)) });
    expect(found(has('capability /opt/app/bin/app cap_net_bind_service=ep'), has())).toEqual([
      'fail: /opt/app/bin/app had the capabilities cap_net_bind_service=ep, and no longer has it',
    ]);
  });

  test('a set-user-ID bit that the administrator takes away for good, and one that is lost', () => {
    const has = (...lines: readonly string[]): Partial<Facts> => ({ privileges: privilegesFrom(section(...lines)) });
    const [chfn, sudo] = ['setuid /usr/bin/chfn', 'setuid /usr/bin/sudo'];
    expect(found(has(chfn), has('registered /usr/bin/chfn'))[0]).toMatch(
      /^info: .*the administrator registered its mode/,
    );
    expect(found(has(chfn), has('registered /usr/bin/chfn', chfn))).toEqual([]);
    expect(found(has('registered /usr/bin/chfn', chfn), has())[0]).toMatch(/^fail/);
    expect(found(has('registered /usr/bin/chfn'), has())).toEqual([]);
    const dump = 'capability /opt/dump cap_net_raw=ep';
    expect(found(has(dump), has('registered /opt/dump'))[0]).toMatch(/^fail/);
    expect(found(has(sudo), has('registered /usr/bin/sudo'))[0]).toMatch(/^fail/);
  });
});

describe('by what servers and clients know each other', () => {
  const keys = (...lines: readonly string[]): Partial<Facts> => ({
    hostKeys: hostKeysFrom(section(...lines)),
    processes: [process('sshd', 5)],
  });
  const one = `ssh-ed25519 ${'A'.repeat(40)}`;
  const other = `ssh-ed25519 ${'B'.repeat(40)}`;
  const second = `ecdsa-sha2-nistp256 ${'C'.repeat(40)}`;

  test('an SSH server that has none of its keys any more', () => {
    expect(found(keys(one), keys(other))).toEqual([
      'fail: clients know the SSH server by its keys, and it has none of those any more: they refuse it (ssh-ed25519)',
    ]);
    expect(found(keys(one, second), keys(other, second))).toEqual([]);
    expect(found({ ...keys(one), processes: [] }, keys(other))).toEqual([]);
    // A second key of the same algorithm: the server still shows the first.
    expect(found(keys(one), keys(one, other))).toEqual([]);
    expect(found(keys(one), keys(other), 'rm /etc/ssh/ssh_host_*; ssh-keygen -A')[0]).toMatch(/^info/);
    expect(found(keys(one), keys(other), 'apt-get upgrade -y')[0]).toMatch(/^fail/);
  });

  const trusts = (...lines: readonly string[]): Partial<Facts> => ({ authorities: authoritiesFrom(section(...lines)) });

  test('an authority of the administrator’s own that nobody trusts any more', () => {
    expect(found(trusts('own corp.crt', 'all 141'), trusts('all 140'))).toEqual([
      'fail: programs trusted servers with certificates of corp.crt, and do not any more',
    ]);
    expect(found(trusts('own corp.crt'), trusts('own corp-2027.crt'))[0]).toMatch(
      /^info: .*something else replaced it/,
    );
    expect(found(trusts('own company-ca.crt'), trusts(), 'apt-get purge -y company-ca')[0]).toMatch(/^info/);
    expect(found(trusts('own company-ca.crt'), trusts(), 'apt-get purge -y nginx')[0]).toMatch(/^fail/);
    expect(found(trusts('all 141'), trusts('all 137'))).toEqual([]);
  });

  test('no authority at all any more', () => {
    expect(found(trusts('all 141'), trusts())).toEqual([
      'fail: programs trust no authority any more: they refuse every server with TLS',
    ]);
    expect(found(trusts('all 141'), trusts(), 'apt-get purge -y ca-certificates')[0]).toMatch(/^info/);
    expect(found(trusts(), trusts())).toEqual([]);
  });
});

describe('logs', () => {
  const entry = (at: number, message: string): string =>
    JSON.stringify({
      __REALTIME_TIMESTAMP: String(at * 1_000_000),
      _SYSTEMD_UNIT: 'shop.service',
      PRIORITY: '6',
      MESSAGE: message,
    });
  const running = { units: units(service('shop.service')) };
  const log = (...lines: readonly string[]): Partial<Facts> => ({ ...running, log: logFrom(section(...lines), 100) });
  const refused = [101, 103, 105, 107].map((at) => entry(at, `could not connect to 10.0.0.${at}: Permission denied`));

  test('an error that repeats since the change', () => {
    expect(found(log(), log(...refused))).toEqual([
      'fail: shop.service wrote 4 times since the change, and not before: could not connect to 10.0.0.107: Permission denied',
    ]);
  });

  test('one that was written before as well, one that does not repeat, and what guard causes itself', () => {
    expect(found(log(), log(entry(50, 'could not connect to 10.0.0.1: Permission denied'), ...refused))).toEqual([]);
    expect(found(log(), log(refused[0] ?? '', refused[1] ?? ''))[0]).toMatch(/^info: .*it does not repeat/);
    const lines = [101, 102, 103, 104].map((at) =>
      entry(at, 'error: kex_exchange_identification: Connection closed by remote host'),
    );
    expect(found(log(), log(...lines))).toEqual([]);
  });
});

describe('what the instance uses', () => {
  test('names that are resolved', () => {
    const names = (ok: boolean): Partial<Facts> => ({ resolution: { 'deb.example.org': ok, box: true } });
    expect(found(names(true), names(false))).toEqual([
      'fail: deb.example.org could be resolved inside, and cannot be any more',
    ]);
  });

  test('servers to which it was connected', () => {
    const before = { connections: [{ owner: 'shop.service', peer: '10.0.0.9:5432' }] };
    expect(found(before, { connections: [], peers: { '10.0.0.9:5432': false } })).toEqual([
      'fail: shop.service had a connection to 10.0.0.9:5432, and nobody inside can reach it any more',
    ]);
    expect(found(before, { connections: [], peers: { '10.0.0.9:5432': true } })[0]).toMatch(
      /^info: .*can still be reached/,
    );
  });
});

describe('units', () => {
  test('masked while they run', () => {
    const before = { units: units(service('dbus.service')) };
    expect(found(before, { units: units(service('dbus.service', { load: 'masked' })) })).toEqual([
      'fail: dbus.service runs, but is masked now: nothing can start it again',
    ]);
  });

  test('whose user does not exist any more', () => {
    const runBy = (user: string): Partial<Facts> => ({
      units: units(service('app.service', { user })),
      accounts: { users: { app: { uid: 990, shell: '/bin/false', locked: true } }, groups: {} },
    });
    expect(found(runBy('app'), runBy('nobody-of-that-name'))).toEqual([
      'fail: app.service runs, but its user nobody-of-that-name does not exist: it cannot start again',
    ]);
  });

  test('a daemon whose port a socket unit has now', () => {
    const before = {
      units: units(service('agentd.service', { fragment: '/etc/systemd/system/agentd.service' })),
      sockets: [tcp('0.0.0.0', 6556, owner('agentd.service'))],
    };
    const after = {
      units: units(service('agent.socket', { sub: 'listening', type: '' })),
      sockets: [tcp('0.0.0.0', 6556, { process: 'systemd', unit: null })],
    };
    expect(found(before, after)).toEqual(['info: agentd.service was running, is gone; agent.socket runs instead']);
  });
});

test.each([
  ['apt purge nginx', ['nginx']],
  ['apt-get update && apt-get remove -y -qq redis-server redis-tools; true', ['redis-server', 'redis-tools']],
  ['apt-get install -y exim4 postfix-', ['postfix']],
  ['apk del nginx', ['nginx']],
  ['dnf -y remove httpd', ['httpd']],
  ['systemctl disable --now nginx', []],
  ['apt-get upgrade -y', []],
])('the intent of %s', (command, removes) => {
  expect(intentOf(['sh', '-c', command]).removes).toEqual(removes);
});

describe('folders that services write to', () => {
  const writes = (canWrite: Facts['canWrite']): Partial<Facts> => (canWrite === undefined ? {} : { canWrite });

  test('one that takes no file any more decides', () => {
    expect(found(writes({ '/var/lib': true, '/srv': true }), writes({ '/var/lib': true, '/srv': false }))).toEqual([
      'fail: files could be written in /srv, and no longer can be (quota, full or read-only)',
    ]);
  });

  test.each<[string, Facts['canWrite'], Facts['canWrite']]>([
    ['it was so before', { '/srv': false }, { '/srv': false }],
    ['it is new', {}, { '/srv': false }],
    ['older facts do not say', undefined, { '/srv': false }],
    ['it is not known now', { '/srv': true }, null],
    ['it can be written to again', { '/srv': false }, { '/srv': true }],
  ])('says nothing: %s', (_why, before, after) => {
    expect(found(writes(before), writes(after))).toEqual([]);
  });
});
