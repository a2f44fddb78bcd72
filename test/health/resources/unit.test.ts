import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareFacts } from '../../../src/health/compare.ts';
import { intentOf } from '../../../src/health/intent.ts';
import type { Facts, Socket, Unit } from '../../../src/health/facts.ts';
import {
  dead,
  deciding,
  facts,
  failed,
  owner,
  process,
  restarting,
  service,
  tcp,
  udp,
  units,
} from '../example-facts.ts';

const pdns = service('pdns.service');

const compareUnits = (
  before: readonly Unit[],
  after: readonly Unit[],
  more: Partial<Facts> = {},
  options = {},
): string[] =>
  deciding(compareFacts(facts({ units: units(...before) }), facts({ units: units(...after), ...more }), options));

describe('a unit that was running and now is not', () => {
  test('F31: a restart loop is one finding, with its reason, its count and its ports', () => {
    const listens = [tcp('0.0.0.0', 53, owner('pdns.service')), udp('0.0.0.0', 53, owner('pdns.service'))];
    const findings = compareFacts(
      facts({ units: units(pdns), sockets: listens }),
      facts({ units: units(restarting('pdns.service', 4)), sockets: [] }),
    );
    expect(deciding(findings)).toEqual([
      'pdns.service was running, is now restarting: exit status 1, 4 restarts; port 53 tcp, udp no longer listened on',
    ]);
    expect(findings[0]?.subject).toBe('unit:pdns.service');
    expect(findings[0]?.transient).toBe(true);
  });

  test.each<[string, Unit, string]>([
    ['failed', failed('pdns.service'), 'pdns.service was running, has failed: exit status 1'],
    [
      'killed',
      failed('pdns.service', { result: 'signal', exit: { how: 'killed', status: 9 } }),
      'pdns.service was running, has failed: killed by SIGKILL',
    ],
    [
      'dumped core',
      failed('pdns.service', { result: 'core-dump', exit: { how: 'dumped', status: 11 }, restarts: 1 }),
      'pdns.service was running, has failed: killed by SIGSEGV, core dumped, 1 restart',
    ],
    [
      'start step',
      failed('pdns.service', { exit: null }),
      'pdns.service was running, has failed: a step of its startup failed',
    ],
    [
      'no program',
      failed('pdns.service', { exit: { how: 'exited', status: 203 } }),
      'pdns.service was running, has failed: exit status 203 (its program cannot be executed)',
    ],
    ['stopped', dead('pdns.service'), 'pdns.service was running, is now stopped'],
    [
      'half-way up',
      service('pdns.service', { active: 'activating', sub: 'start' }),
      'pdns.service was running, is still starting',
    ],
    [
      'half-way down',
      service('pdns.service', { active: 'deactivating', sub: 'stop-sigterm' }),
      'pdns.service was running, is still stopping',
    ],
  ])('%s', (_name, after, message) => {
    expect(compareUnits([pdns], [after])).toEqual([message]);
  });

  test('it is found whatever else the manager lists, in whatever order', () => {
    const other = fc.constantFrom(
      service('cron.service'),
      dead('rsync.service'),
      service('ssh.service'),
      service('-.mount', { sub: 'mounted', type: '' }),
      dead('apt-daily.service'),
    );
    fc.assert(
      fc.property(fc.uniqueArray(other, { selector: ({ id }) => id }), fc.nat(5), (others, at) => {
        const listed = others.toSpliced(at, 0, failed('pdns.service'));
        expect(compareUnits([...others.toReversed(), pdns], listed)).toEqual([
          'pdns.service was running, has failed: exit status 1',
        ]);
      }),
    );
  });
});

describe('F34: what was bad before is never blamed', () => {
  const states = ['active', 'reloading', 'inactive', 'failed', 'activating', 'deactivating'];
  const subs = ['running', 'exited', 'dead', 'failed', 'auto-restart', 'start', 'stop-sigterm'];

  test('a unit in any other state than active decides nothing, whatever becomes of it', () => {
    const unit = fc.record({
      active: fc.constantFrom(...states),
      sub: fc.constantFrom(...subs),
      restarts: fc.nat(1000),
    });
    fc.assert(
      fc.property(unit, unit, (was, is) => {
        fc.pre(was.active !== 'active' && was.active !== 'reloading');
        expect(compareUnits([service('pdns.service', was)], [service('pdns.service', is)])).toEqual([]);
      }),
    );
  });

  test('nothing is found between a look and itself', () => {
    const unit = fc.record({
      active: fc.constantFrom(...states),
      sub: fc.constantFrom(...subs),
      restarts: fc.nat(1000),
    });
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 20 }), (all) => {
        const look = facts({ units: units(...all.map((one, at) => service(`s${at}.service`, one))) });
        expect(compareFacts(look, look)).toEqual([]);
      }),
    );
  });

  test('a restart loop that was caught in the moment in which it was up', () => {
    const before = facts({
      units: units(service('pdns.service', { restarts: 812, mainPid: 77 })),
      processes: [process('pdns_server', 77, { ageMs: 300 })],
    });
    expect(deciding(compareFacts(before, facts({ units: units(restarting('pdns.service', 830)) })))).toEqual([]);
  });

  test('an instance that was degraded all along is compared like any other', () => {
    const before = [failed('logrotate.service', { type: 'oneshot' }), failed('isc-dhcp-server.service'), pdns];
    expect(compareUnits(before, before)).toEqual([]);
    expect(compareUnits(before, [...before.slice(0, 2), dead('pdns.service')])).toHaveLength(1);
  });
});

describe('units that come and go by design', () => {
  test.each<[string, Unit, Unit | null]>([
    [
      'a one-shot that ran in the baseline',
      service('apt-daily.service', { type: 'oneshot', active: 'activating', sub: 'start' }),
      null,
    ],
    ['a session', service('session-3.scope', { type: '' }), null],
    ['a user manager', service('user@0.service'), null],
    ['a terminal that restarts', service('console-getty.service'), restarting('console-getty.service', 300)],
    ['a transient unit', service('run-r12ab.service', { transient: true }), null],
    [
      'a service on demand over D-Bus',
      service('polkit.service', {
        type: 'dbus',
        busName: 'org.freedesktop.PolicyKit1',
        fileState: 'static',
        wantedBy: [],
      }),
      dead('polkit.service'),
    ],
    [
      'a service whose name on D-Bus is enabled as an alias',
      service('NetworkManager-dispatcher.service', { type: 'dbus', busName: 'org.example.dispatcher', wantedBy: [] }),
      dead('NetworkManager-dispatcher.service'),
    ],
    [
      'a service on demand that ends at this moment',
      service('hints.service', { type: 'dbus', busName: 'org.example.hints', fileState: 'static', wantedBy: [] }),
      service('hints.service', { active: 'deactivating', sub: 'stop-sigterm' }),
    ],
    [
      'a job of a timer that is not a one-shot',
      service('backup.service', { type: 'simple', fileState: 'static', wantedBy: [], triggeredBy: ['backup.timer'] }),
      dead('backup.service'),
    ],
    [
      'a job of a timer that runs at this moment',
      service('backup.service', { type: 'oneshot', sub: 'exited', triggeredBy: ['backup.timer'] }),
      service('backup.service', { type: 'oneshot', active: 'activating', sub: 'start', triggeredBy: ['backup.timer'] }),
    ],
    [
      'a job of the boot',
      service('systemd-sysusers.service', { type: 'oneshot', sub: 'exited', fileState: 'static' }),
      null,
    ],
  ])('%s', (_name, before, after) => {
    expect(compareUnits([before], after === null ? [] : [after])).toEqual([]);
  });

  test('a service that its own conditions keep from starting is told, and what it served is missed', () => {
    const was = service('haveged.service', { type: 'simple' });
    const skipped = dead('haveged.service', { type: 'simple', fileState: 'enabled', skipped: true });
    expect(compareUnits([was], [skipped])).toEqual([]);
    expect(compareUnits([was], [dead('haveged.service')])).toHaveLength(1);
    const serving = { sockets: [tcp('0.0.0.0', 80, owner('haveged.service'))] };
    expect(
      deciding(compareFacts(facts({ units: units(was), ...serving }), facts({ units: units(skipped) }))),
    ).toHaveLength(1);
  });

  test('a service that waits behind its socket unit', () => {
    const ssh = service('ssh.service', { triggeredBy: ['ssh.socket'] });
    const socket = service('ssh.socket', { sub: 'listening', type: '' });
    expect(compareUnits([ssh, socket], [dead('ssh.service'), socket])).toEqual([]);
    expect(compareUnits([ssh, socket], [dead('ssh.service'), dead('ssh.socket')])).toEqual([
      'ssh.service was running, is now stopped',
    ]);
  });

  test('a timer that fires meanwhile and fails is told, and does not decide', () => {
    const after = failed('logrotate-web.service', { type: 'oneshot', triggeredBy: ['logrotate-web.timer'] });
    const findings = compareFacts(
      facts({ units: units(dead('logrotate-web.service')) }),
      facts({ units: units(after) }),
    );
    expect(findings.map(({ severity }) => severity)).toEqual(['advisory']);
    expect(findings[0]?.message).toBe('logrotate-web.service did not run before and has failed: exit status 1');
  });

  test('a one-shot that counted as active and failed decides, of systemd itself it does not', () => {
    const firewall = service('nftables.service', { type: 'oneshot', sub: 'exited' });
    expect(compareUnits([firewall], [failed('nftables.service', { type: 'oneshot' })])).toEqual([
      'nftables.service was exited, has failed: exit status 1',
    ]);
    const sysctl = service('systemd-sysctl.service', { type: 'oneshot', sub: 'exited' });
    expect(compareUnits([sysctl], [failed('systemd-sysctl.service', { type: 'oneshot' })])).toEqual([]);
    const keys = service('keyboard-setup.service', { type: 'oneshot', sub: 'exited' });
    expect(compareUnits([keys], [failed('keyboard-setup.service', { type: 'oneshot' })])).toEqual([]);
  });

  test('a one-shot of the boot may have nothing to do in the next one', () => {
    const once = service('first-boot.service', { type: 'oneshot', sub: 'exited' });
    expect(compareUnits([once], [dead('first-boot.service')], {}, { restarted: true })).toEqual([]);
    expect(compareUnits([once], [dead('first-boot.service')])).toHaveLength(1);
  });
});

describe('units that are gone', () => {
  test('renamed, with the old name as an alias', () => {
    const before = service('mysql.service', { names: ['mysql.service'] });
    const after = service('mariadb.service', { names: ['mariadb.service', 'mysql.service', 'mysqld.service'] });
    expect(compareUnits([before], [after])).toEqual([]);
  });

  test('renamed, the old main name is an alias that is listed as not found', () => {
    const before = service('mysql.service', { names: ['mysql.service', 'mysqld.service'] });
    const after = service('mariadb.service', { names: ['mariadb.service', 'mysqld.service'] });
    expect(compareUnits([before], [dead('mysql.service', { load: 'not-found' }), after])).toEqual([]);
  });

  test('renamed, the new name failing under the old alias', () => {
    const before = service('mysql.service');
    const after = failed('mariadb.service', { names: ['mariadb.service', 'mysql.service'] });
    expect(compareUnits([before], [after])).toEqual(['mysql.service was running, has failed: exit status 1']);
  });

  test('another version in its place', () => {
    const findings = compareFacts(
      facts({ units: units(service('php8.2-fpm.service')) }),
      facts({ units: units(service('php8.4-fpm.service')) }),
    );
    expect(deciding(findings)).toEqual([]);
    expect(findings.map(({ message }) => message)).toContain(
      'php8.2-fpm.service was running, is gone with its unit file; php8.4-fpm.service runs instead',
    );
  });

  test('removed with its package: advisory when something else covers its sockets, required when nothing does', () => {
    const was = service('apache2.service');
    const is = service('nginx.service');
    const before = facts({ units: units(was), sockets: [tcp('::', 80, owner('apache2.service'))] });
    const covered = facts({
      units: units(is),
      sockets: [tcp('0.0.0.0', 80, owner('nginx.service')), tcp('::', 80, owner('nginx.service'))],
    });
    expect(deciding(compareFacts(before, covered))).toEqual([]);
    expect(deciding(compareFacts(before, facts({ units: units(is), sockets: [] })))).toEqual([
      'apache2.service was running, is gone with its unit file; port 80 tcp no longer listened on',
    ]);
  });

  test('with its package: missed, unless the command names its removal', () => {
    expect(compareUnits([service('acpid.service')], [])).toEqual([
      'acpid.service was running, is gone with its unit file',
    ]);
    expect(compareUnits([service('acpid.service')], [dead('acpid.service', { load: 'masked' })])).toEqual([
      'acpid.service was running, is now masked',
    ]);
    const intent = intentOf(['sh', '-c', 'apt-get purge -y -qq cron acpid && true']);
    const findings = compareFacts(facts({ units: units(service('acpid.service')) }), facts(), { intent });
    expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'advisory: acpid.service was running, is gone with its unit file (the command names its removal)',
    ]);
  });

  test('removed with its package, and another one serves at its ports: nobody misses the port of its own tool', () => {
    const sockets = (unit: string): Socket[] => [udp('0.0.0.0', 53, owner(unit)), tcp('0.0.0.0', 53, owner(unit))];
    const control = tcp('127.0.0.1', 953, owner('named.service'));
    const before = facts({ units: units(service('named.service')), sockets: [...sockets('named.service'), control] });
    const after = facts({ units: units(service('unbound.service')), sockets: sockets('unbound.service') });
    const findings = compareFacts(before, after);
    expect(deciding(findings)).toEqual([]);
    expect(findings[0]?.message).toMatch(
      /^named.service was running, is gone with its unit file; unbound.service runs/,
    );
    const mute = facts({ units: units(service('named.service')), sockets: sockets('named.service') });
    expect(deciding(compareFacts(before, mute))).toHaveLength(1);
  });

  test("an administrator's own unit does not go with a package", () => {
    const own = service('shop.service', { fragment: '/etc/systemd/system/shop.service' });
    expect(compareUnits([own], [])).toEqual(['shop.service was running, is gone']);
  });
});

describe('units whose work another one has taken over', () => {
  const python = (id: string, unit = id): Partial<Facts> => ({
    units: units(service(id, { mainPid: 7, fragment: `/etc/systemd/system/${unit}` })),
    sockets: [tcp('0.0.0.0', 80, owner(id, 'python3'))],
    processes: [process('python3', 7, { unit: id })],
  });

  test('an administrator gave it another name, and the same ports', () => {
    const before = facts(python('shop.service'));
    expect(deciding(compareFacts(before, facts(python('market.service'))))).toEqual([]);
    const elsewhere = facts({ ...python('market.service'), sockets: [tcp('0.0.0.0', 81, owner('market.service'))] });
    expect(deciding(compareFacts(before, elsewhere))).toHaveLength(1);
  });

  test('stopped, and another service that was not there before serves at its ports', () => {
    const before = facts({
      units: units(service('apache2.service')),
      sockets: [tcp('0.0.0.0', 80, owner('apache2.service')), tcp('0.0.0.0', 443, owner('apache2.service'))],
    });
    const after = (of443: string, apache: Unit): Facts =>
      facts({
        units: units(apache, service('nginx.service')),
        sockets: [tcp('0.0.0.0', 80, owner('nginx.service')), tcp('0.0.0.0', 443, owner(of443))],
      });
    const stopped = dead('apache2.service');
    expect(deciding(compareFacts(before, after('nginx.service', stopped)))).toEqual([]);
    expect(deciding(compareFacts(before, after('other.service', stopped)))).toHaveLength(1);
    expect(deciding(compareFacts(before, after('nginx.service', failed('apache2.service'))))).toHaveLength(1);
  });
});

describe('a service that nothing starts at the next boot any more', () => {
  const lost = (now: Partial<Unit>): string[] =>
    compareFacts(
      facts({ units: units(service('nginx.service')) }),
      facts({ units: units(service('nginx.service', { wantedBy: [], fileState: 'disabled', ...now })) }),
    ).map(({ severity, message }) => `${severity}: ${message}`);

  test('decides', () => {
    expect(lost({})).toEqual(['required: nginx.service runs, but does not start at boot any more']);
    expect(lost({ triggeredBy: ['nginx.socket'] })).toEqual([]);
    expect(lost({ wantedBy: ['web.target'] })).toEqual([]);
    expect(lost({ fileState: 'static' })).toEqual([]);
  });
});

describe('units that are not listed any more', () => {
  const before = service('tool@a.service', { fileState: 'disabled', wantedBy: [] });

  test('stopped, where the file is still there, also that of its template', () => {
    for (const file of ['tool@a.service', 'tool@.service'])
      expect(compareUnits([before], [], { unitFiles: [file] })).toEqual(['tool@a.service was running, is now stopped']);
    expect(compareUnits([before], [], { unitFiles: ['tool@b.service'] })).toEqual([
      'tool@a.service was running, is gone with its unit file',
    ]);
  });

  test('a unit that does not start at boot is not expected back after a restart, nor what it listened on', () => {
    const sockets = [tcp('0.0.0.0', 8080, owner('tool@a.service'))];
    const then = facts({ units: units(before), sockets });
    const now = facts({ units: units(), unitFiles: ['tool@.service'], sockets: [] });
    expect(deciding(compareFacts(then, now, { restarted: true }))).toEqual([]);
    expect(deciding(compareFacts(then, now))).toHaveLength(1);
    const enabled = facts({ units: units(service('tool@a.service')), sockets });
    expect(deciding(compareFacts(enabled, now, { restarted: true }))).toHaveLength(1);
  });
});

describe('the manager', () => {
  test('a systemd that no longer answers decides, and may still settle', () => {
    const after = facts({ manager: { kind: 'systemd', answers: false, booted: false }, units: null });
    const [finding] = compareFacts(facts({ units: units(pdns) }), after);
    expect(finding).toMatchObject({ subject: 'manager', severity: 'required', transient: true });
  });

  test('units unknown on either side say nothing about units', () => {
    fc.assert(
      fc.property(fc.boolean(), (first) => {
        const [known, unknown] = [facts({ units: units(pdns) }), facts({ units: null })];
        const findings = first ? compareFacts(unknown, known) : compareFacts(known, unknown);
        expect(findings).toEqual([]);
      }),
    );
  });

  test('a unit generated from an init script that has no process left', () => {
    const before = service('exim4.service', { type: 'forking' });
    const after = service('exim4.service', { type: 'forking', sub: 'exited', mainPid: 0 });
    expect(compareUnits([before], [after])).toEqual(['exim4.service was running, has no process left']);
    expect(compareUnits([before], [after], { processes: [process('exim4', 5, { unit: 'exim4.service' })] })).toEqual(
      [],
    );
  });
});

test('10,000 units, all failing or all gone, are compared and the findings bounded', () => {
  const many = Array.from({ length: 10_000 }, (_, at) => service(`s${at}.service`, { mainPid: at }));
  const processes = many.map((unit) => process(`p${unit.mainPid}`, unit.mainPid, { unit: unit.id }));
  const before = facts({ units: units(...many), processes });
  const allFailed = compareFacts(before, facts({ units: units(...many.map(({ id }) => failed(id))) }));
  expect(allFailed).toHaveLength(101);
  expect(allFailed.at(-1)?.message).toBe('and 9900 more findings of this kind');
  const renamed = many.map((unit, at) => ({ ...unit, id: `n${at}.service`, names: [`n${at}.service`] }));
  expect(compareFacts(before, facts({ units: units(...renamed), processes })).length).toBeLessThanOrEqual(202);
});

test('names that are words of JavaScript, or control sequences, are only names', () => {
  const names = ['constructor', '__proto__', 'toString', '\u001b[31mred.service', '‮evil.service'].map((name) =>
    name.endsWith('.service') ? name : `${name}.service`,
  );
  const before = facts({ units: units(...names.map((name) => service(name))) });
  const findings = compareFacts(before, facts({ units: units(...names.map((name) => failed(name))) }));
  expect(deciding(findings)).toHaveLength(names.length);
  // oxlint-disable-next-line no-control-regex -- finding control characters is the purpose
  expect(JSON.stringify(findings)).not.toMatch(/[\u0000-\u001f\u202e]/);
});
