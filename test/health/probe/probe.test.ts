import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Facts } from '../../../src/health/facts.ts';
import { parseProbe } from '../../../src/health/probe/probe.ts';

/** Recorded from real containers; the nonce is that of the recording. */
const nonce = '0123456789abcdef0123456789abcdef';
const names = ['debian-12-systemd', 'debian-12-openrc', 'debian-13-servers', 'busybox'] as const;
const recorded = (name: (typeof names)[number]): string =>
  readFileSync(new URL(`fixtures/${name}.txt`, import.meta.url), 'utf8');

const factsOf = (text: string): Facts => {
  const facts = parseProbe(text, nonce);
  if (!facts.ok) throw new Error(facts.error.message);
  return facts.value;
};

const section = (name: string, text: string, status = 0): string =>
  `\n${nonce} begin ${name}\n${text}\n${nonce} end ${name} ${status}\n`;

const self = section('self', 'probe 7\nmanager none\nroot writable');

describe('what real containers said', () => {
  test('Debian 12 with systemd', () => {
    const facts = factsOf(recorded('debian-12-systemd'));
    expect(facts.manager).toEqual({ kind: 'systemd', answers: true, booted: true });
    expect(facts.init?.name).toBe('systemd');
    expect(facts.units?.['systemd-journald.service']).toMatchObject({
      active: 'active',
      sub: 'running',
      type: 'notify',
      result: 'success',
    });
    expect(facts.units?.['apt-daily.timer']).toMatchObject({ load: 'loaded', active: 'active', sub: 'waiting' });
    expect(facts.sockets).toEqual([
      {
        protocol: 'udp',
        address: '0.0.0.0',
        port: 68,
        v6only: null,
        owner: { process: 'dhclient', unit: 'networking.service' },
      },
    ]);
    expect(facts.unixSockets).toContainEqual({
      path: '/run/dbus/system_bus_socket',
      owner: { process: 'dbus-daemon', unit: 'dbus.service' },
    });
    expect(facts.network?.addresses).toMatchObject([{ family: 4, interface: 'eth0', dynamic: true, prefix: 24 }]);
    expect(facts.network?.defaultRoutes).toHaveLength(1);
    expect(facts.packages).toMatchObject({
      manager: 'dpkg',
      broken: {},
      interrupted: false,
      installed: { apt: '2.6.1' },
    });
    expect(facts.disk?.writable).toBe(true);
    expect(facts.processes?.map(({ name }) => name)).not.toContain('sh');
    expect(facts.processes?.map(({ name }) => name)).not.toContain('grep');
  });

  test('Debian 12 with OpenRC', () => {
    const facts = factsOf(recorded('debian-12-openrc'));
    expect(facts.manager).toEqual({ kind: 'openrc', runlevel: 'default' });
    expect(facts.units?.['nginx']).toMatchObject({ active: 'active', sub: 'started', type: 'openrc' });
    expect(facts.sockets).toContainEqual({
      protocol: 'tcp',
      address: '0.0.0.0',
      port: 80,
      v6only: null,
      owner: { process: 'nginx', unit: null },
    });
  });

  test('many servers on Debian 13, one of them failed and half-configured', () => {
    const facts = factsOf(recorded('debian-13-servers'));
    expect(facts.units?.['dovecot.service']).toMatchObject({
      active: 'failed',
      result: 'exit-code',
      exit: { how: 'exited', status: 89 },
    });
    expect(facts.packages?.broken).toMatchObject({ 'dovecot-core': 'half-configured' });
    expect(facts.sockets?.find(({ port, protocol }) => port === 53 && protocol === 'udp')?.owner).toEqual({
      process: 'pdns_server',
      unit: 'pdns.service',
    });
    expect(facts.unixSockets?.map(({ path }) => path)).toContain('/run/postgresql/.s.PGSQL.5432');
    expect(facts.configuration?.listenLines['/etc/apache2/ports.conf']).toContain('Listen 80');
  });

  test('BusyBox, no service manager, no package manager', () => {
    const facts = factsOf(recorded('busybox'));
    expect(facts).toMatchObject({ manager: { kind: 'none' }, units: null, packages: { manager: 'none' } });
    expect(facts.sockets).toEqual([
      { protocol: 'tcp', address: '::', port: 8080, v6only: null, owner: { process: 'httpd', unit: null } },
    ]);
    expect(facts.processes?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['httpd', 'crond', 'udhcpc', 'syslogd']),
    );
  });

  test.each(names)('%s: nothing is found between a look and itself', (name) => {
    const facts = factsOf(recorded(name));
    expect(compareFacts(facts, facts)).toEqual([]);
  });
});

describe('hostile and broken output', () => {
  test.each(names)('%s, cut at any byte: every section is whole, or unknown', (name) => {
    const text = recorded(name);
    const whole = factsOf(text);
    fc.assert(
      fc.property(fc.nat(text.length), (length) => {
        const facts = parseProbe(text.slice(0, length), nonce);
        if (!facts.ok) return;
        const { units, sockets, unixSockets, network, packages, disk, configuration } = facts.value;
        expect([null, whole.units]).toContainEqual(units);
        expect([null, whole.network]).toContainEqual(network);
        expect([null, whole.packages]).toContainEqual(packages);
        expect([null, whole.disk]).toContainEqual(disk);
        expect([null, whole.configuration]).toContainEqual(configuration);
        // Owners come from another section and may be unknown; what listens may not be half of it.
        expect([undefined, whole.sockets?.length]).toContain(sockets?.length);
        expect([undefined, whole.unixSockets?.length]).toContain(unixSockets?.length);
      }),
      { numRuns: 60 },
    );
  });

  test.each(names)('%s, sections in any order: the same facts', (name) => {
    const text = recorded(name);
    const parts = [...text.matchAll(new RegExp(`${nonce} begin (\\w+)\\n[^]*?\\n${nonce} end \\1 \\d+\\n`, 'g'))].map(
      ([part]) => part,
    );
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (shuffled) => {
        expect(factsOf(shuffled.join('\n'))).toEqual(factsOf(text));
      }),
      { numRuns: 10 },
    );
  });

  test('anything at all never throws', () => {
    const sections = fc.constantFrom(
      'self',
      'unitlist',
      'units',
      'inet',
      'unix',
      'owners',
      'processes',
      'addresses',
      'routes',
      'nameservers',
      'space',
      'reboot',
      'dpkg',
      'rpm',
      'apk',
      'pacman',
      'signatures',
      'lines',
    );
    const manager = fc.constantFrom('systemd', 'openrc default', 'none', 'constructor', '');
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 300 }));
    fc.assert(
      fc.property(manager, fc.array(fc.tuple(sections, text, fc.nat(255))), (kind, parts) => {
        const facts = factsOf(
          section('self', `manager ${kind}`) +
            parts
              .filter(([name]) => name !== 'self')
              .map((part) => section(...part))
              .join(''),
        );
        expect(compareFacts(facts, facts)).toEqual([]);
        expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
      }),
    );
    fc.assert(
      fc.property(text, (noise) => {
        expect(parseProbe(noise, nonce)).toMatchObject({ ok: false, error: { kind: 'unreadable' } });
      }),
    );
  });

  test('a section cannot be forged without the nonce, nor given twice', () => {
    const forged = `${self}\nother begin space\n4096 1 1 1 1\nother end space 0\n`;
    expect(factsOf(forged).disk).toBeNull();
    const space = section('space', '4096 10 5 1 1');
    expect(factsOf(self + space).disk).toMatchObject({ totalBytes: 40_960 });
    expect(factsOf(self + space + space).disk).toBeNull();
  });

  test('unknown fields and lines of systemctl are passed over', () => {
    const text = recorded('debian-12-systemd');
    const noisy = text.replaceAll('\nLoadState=', '\nNewProperty=a=b=c\nNoEqualsSign\nLoadState=');
    expect(factsOf(noisy).units).toEqual(factsOf(text).units);
  });

  test('a process cannot call itself another one: the pid in front of its name has to agree', () => {
    const fields = 'S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0';
    const lines = [
      `/proc/1/stat:1 (init) ${fields.replace('S 1', 'S 0')} 100 0`,
      `/proc/9/stat:9 (evil`,
      `/proc/9/stat:5 (nginx) ${fields} 200 0`,
      `/proc/8/stat:8 (a) b) (c) ${fields} 300 0`,
    ];
    const facts = factsOf(self + section('processes', lines.join('\n')));
    expect(facts.processes?.map(({ pid, name }) => [pid, name])).toEqual([[8, 'a) b) (c']]);
    expect(facts.init).toEqual({ name: 'init', startTicks: 100 });
  });

  test("guard's own processes, and those of any other exec, are not the instance's", () => {
    const stat = (pid: number, name: string, parent: number): string =>
      `/proc/${pid}/stat:${pid} (${name}) S ${parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${pid} 0`;
    const lines = [stat(1, 'init', 0), stat(20, 'httpd', 1), stat(30, 'sh', 0), stat(31, 'python3', 30)];
    const owners = [
      '/proc/31/fd:',
      'lrwx------ 1 0 0 64 Nov 23 06:00 3 -> socket:[555]',
      '/proc/20/fd:',
      'lrwx------ 1 0 0 64 Nov 23 06:00 3 -> socket:[556]',
    ];
    const inet = [
      'tcp LISTEN 0 5 0.0.0.0:8000 0.0.0.0:* ino:555 sk:1',
      'tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:* ino:556 sk:2',
    ];
    const facts = factsOf(
      self +
        section('processes', lines.join('\n')) +
        section('owners', owners.join('\n')) +
        section('inet', inet.join('\n')),
    );
    expect(facts.processes?.map(({ name }) => name)).toEqual(['httpd']);
    expect(facts.sockets?.map(({ port, owner }) => [port, owner?.process])).toEqual([[80, 'httpd']]);
  });

  test.each([
    ['unitlist', 'a.service '],
    ['unitfiles', 'a.'],
    ['units', 'Id=a\nActiveState=active\n\n'],
    ['inet', 'tcp LISTEN 0 0 1.1.1.1:1 '],
    ['unix', '0: 0 0 00010000 0 0 1 /run/a'],
    ['owners', '-> socket:[1] '],
    ['processes', '/proc/1/stat:1 ('],
    ['addresses', '1: a@ inet 1.1.1.1 '],
    ['apk', 'P:a\nV:1\n'],
    ['pacman', 'ok /a-'],
    ['rpm', 'a b c\n'],
    ['dpkg', 'Package: a\n'],
    ['signatures', '1 1 1 /etc/a'],
    ['lines', '/etc/a:/run/sock/run/'],
  ])('two megabytes of %s', (name, text) => {
    const flood = text.repeat(Math.ceil(2_000_000 / text.length));
    const facts = factsOf(section('self', 'manager systemd') + section(name, flood) + section('nameservers', flood));
    expect(compareFacts(facts, facts)).toEqual([]);
  });

  test('10,000 units', () => {
    const list = Array.from(
      { length: 10_000 },
      (_, at) => `s${at}.service loaded active running Service number ${at}`,
    ).join('\n');
    const details = Array.from(
      { length: 10_000 },
      (_, at) =>
        `Id=s${at}.service\nNames=s${at}.service alias${at}.service\nActiveState=active\nSubState=running\nNRestarts=${at}\n`,
    ).join('\n');
    const facts = factsOf(section('self', 'manager systemd') + section('unitlist', list) + section('units', details));
    expect(Object.keys(facts.units ?? {})).toHaveLength(10_000);
    expect(facts.units?.['s9999.service']).toMatchObject({
      restarts: 9999,
      names: ['s9999.service', 'alias9999.service'],
    });
  });
});

test('zones and names, as BIND, Knot, NSD, Unbound and dnsmasq write them', () => {
  const lines = [
    '/etc/bind/named.conf.local:zone "Example.org" {',
    '/etc/bind/named.conf.default-zones:zone "localhost" {',
    '/etc/bind/named.conf.local:// zone "old.example" {',
    '/etc/bind/named.conf.local.dpkg-old:zone "laid-aside.example" {',
    '/etc/bind/zones.rfc1918:zone "10.in-addr.arpa" {',
    '/etc/knot/knot.conf:  - domain: knot.example',
    '/etc/nsd/nsd.conf:  name: "nsd.example."',
    '/etc/other.conf:name: nobody',
    '/etc/unbound/unbound.conf.d/a.conf:  local-data: "Shop.example. 300 IN A 192.0.2.7"',
    '/etc/unbound/unbound.conf.d/a.conf:  local-data: "shop.example. TXT address"',
    '/etc/dnsmasq.d/office.conf:address=/office.example/192.0.2.7',
    '/etc/dnsmasq.d/office.conf:address=/nowhere.example/',
    '/etc/dnsmasq.d/office.conf:host-record=printer.example,192.0.2.8',
    '/etc/dnsmasq.d/office.conf.dpkg-old:host-record=laid-aside.example,192.0.2.8',
  ];
  const facts = factsOf(self + section('signatures', '') + section('lines', lines.join('\n')));
  expect(facts.configuration?.zones).toEqual(['example.org', 'knot.example', 'nsd.example']);
  expect(facts.configuration?.names).toEqual(['office.example', 'printer.example', 'shop.example']);
});

test('sites, as nginx and Apache write them', () => {
  const lines = [
    '/etc/nginx/sites-available/shop:  server_name shop.example WWW.shop.example *.wild.example _ ~^re$;',
    '/etc/nginx/sites-available/default:#  server_name commented.example;',
    '/etc/nginx/sites-available/plain:server_name localhost;',
    '/etc/nginx/conf.d/one.conf:server { listen 80; server_name one.example; root /srv; }',
    '/etc/apache2/sites-available/market.conf:  ServerName market.example:8080',
    '/etc/other.conf:server_name nobody.example',
  ];
  const facts = factsOf(self + section('signatures', '') + section('lines', lines.join('\n')));
  expect(facts.configuration?.sites).toEqual(['market.example', 'one.example', 'shop.example', 'www.shop.example']);
});

test('unit files tell a unit that is not loaded from one that is gone or masked', () => {
  const listing = [
    '/etc/systemd/system:',
    'total 8',
    '-rw-r--r-- 1 0 0 90 Nov 23 06:00 own.service',
    'lrwxrwxrwx 1 0 0 9 Nov 23 06:00 redis-server.service -> /dev/null',
    'lrwxrwxrwx 1 0 0 31 Nov 23 06:00 sshd.service -> /lib/systemd/system/ssh.service',
    'drwxr-xr-x 2 0 0 4096 Nov 23 06:00 multi-user.target.wants',
    'ssh.service',
    'redis-server.service',
    'getty@.service',
  ];
  expect(factsOf(self + section('unitfiles', listing.join('\n'))).unitFiles).toEqual([
    'getty@.service',
    'multi-user.target.wants',
    'own.service',
    'ssh.service',
    'sshd.service',
  ]);
});

describe('addresses of sockets', () => {
  const inet = (line: string): Facts['sockets'] => factsOf(self + section('inet', line)).sockets;
  test.each([
    [
      '/proc/net/tcp:   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 4711 1',
      '127.0.0.1',
      3306,
    ],
    [
      '/proc/net/tcp6:  0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4711 1',
      '::',
      80,
    ],
    [
      '/proc/net/tcp6:  0: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4711 1',
      '::1',
      25,
    ],
    [
      '/proc/net/tcp6:  0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4711 1',
      '127.0.0.1',
      8080,
    ],
    [
      '/proc/net/tcp6:  0: B80D012000000000000000000A000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4711 1',
      '2001:db8::a',
      22,
    ],
    ['tcp   LISTEN 0      128    [::]:5001 [::]:* ino:12360 sk:1002 cgroup:/ v6only:1 <->', '::', 5001],
    ['tcp LISTEN 0 4096 127.0.0.53%lo:53 0.0.0.0:* uid:991 ino:1 sk:1', '127.0.0.53', 53],
    ['tcp LISTEN 0 100 [::ffff:127.0.0.1]:8005 *:* ino:1 sk:1 v6only:0', '127.0.0.1', 8005],
    ['tcp LISTEN 0 10 [fe80::1%eth0]:53 [::]:* ino:1 sk:1 v6only:1', null, null],
    ['tcp LISTEN 0 10 [fe80::1]%eth0:53 [::]:* ino:1 sk:1 v6only:1', 'fe80::1', 53],
  ])('%s', (line, address, port) => {
    expect(inet(line)).toMatchObject(address === null ? [] : [{ address, port }]);
  });

  test('connections are not listened on', () => {
    expect(
      inet(
        '/proc/net/tcp:   0: 0100007F:0CEA 0100007F:9999 01 00000000:00000000 00:00000000 00000000   104        0 4711 1',
      ),
    ).toEqual([]);
  });
});

describe('other package managers', () => {
  const packages = (name: string, text: string): Facts['packages'] => factsOf(self + section(name, text)).packages;

  test('rpm: one package in two versions is what an interrupted transaction leaves', () => {
    const text =
      'rpm x86_64 4.18-1\nkernel x86_64 6.1-1\nkernel x86_64 6.2-1\nnginx x86_64 1.20-1\nnginx x86_64 1.22-1\nglibc i686 2.36-1\nglibc x86_64 2.36-1';
    expect(packages('rpm', text)).toMatchObject({
      manager: 'rpm',
      broken: { nginx: 'installed twice' },
      installed: { rpm: '4.18-1', 'glibc:i686': '2.36-1', glibc: '2.36-1' },
    });
  });

  test('apk: asked for and not installed', () => {
    expect(packages('apk', 'P:musl\nV:1.2.4-r0\nP:nginx\nV:1.24-r1\nworld\nnginx>1\nredis\nmusl')).toEqual({
      manager: 'apk',
      installed: { musl: '1.2.4-r0', nginx: '1.24-r1' },
      broken: { redis: 'asked for and not installed' },
      interrupted: false,
    });
  });

  test('F24: pacman, its lock left behind', () => {
    const text =
      'interrupted\nok /var/lib/pacman/local/nginx-mainline-1.24.0-1/\nbad /var/lib/pacman/local/zlib-1.3-2/';
    expect(packages('pacman', text)).toEqual({
      manager: 'pacman',
      installed: { 'nginx-mainline': '1.24.0-1', zlib: '1.3-2' },
      broken: { zlib: 'without a description in the database' },
      interrupted: true,
    });
  });

  test('dpkg: an interrupted step, states, and other architectures', () => {
    const stanza = (name: string, status: string, architecture = 'amd64'): string =>
      `Package: ${name}\nStatus: ${status}\nArchitecture: ${architecture}\nVersion: 1`;
    const text = [
      'interrupted',
      stanza('dpkg', 'install ok installed'),
      stanza('libc6', 'install ok installed', 'i386'),
      stanza('gone', 'deinstall ok config-files'),
      stanza('bad', 'install reinstreq half-installed'),
      stanza('late', 'install ok triggers-pending'),
    ].join('\n');
    expect(packages('dpkg', text)).toEqual({
      manager: 'dpkg',
      installed: { dpkg: '1', 'libc6:i386': '1', bad: '1', late: '1' },
      broken: { bad: 'to be reinstalled', late: 'triggers-pending' },
      interrupted: true,
    });
  });
});

test('programs among the pages: only names that the probe can have written', () => {
  const pages = (line: string): readonly string[] | undefined =>
    factsOf(section('self', `manager none\n${line}`)).pages;
  expect(pages('pages /index.php /info.php')).toEqual(['/index.php', '/info.php']);
  expect(pages('pages /../admin?delete=1 http://example.test/ /x.php')).toEqual(['/x.php']);
  expect(pages('')).toEqual([]);
});

test('a unit that its own conditions kept from starting', () => {
  const skipped = (condition: string, active: string, at: number): unknown =>
    factsOf(
      section('self', 'manager systemd') +
        section('unitlist', 'a.service loaded inactive dead A') +
        section(
          'units',
          `Id=a.service\nActiveState=${active}\nConditionResult=${condition}\nConditionTimestampMonotonic=${at}`,
        ),
    ).units?.['a.service']?.skipped;
  expect(skipped('no', 'inactive', 7)).toBe(true);
  expect(skipped('yes', 'inactive', 7)).toBeUndefined();
  // Nobody has asked: what it depends on has failed.
  expect(skipped('no', 'inactive', 0)).toBeUndefined();
  expect(skipped('no', 'active', 7)).toBeUndefined();
});
