import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareFacts, missingFacts } from '../../../src/health/compare.ts';
import type { Address, Disk, Facts, Network, Packages, Socket } from '../../../src/health/facts.ts';
import { deciding, facts, owner, process, udp } from '../example-facts.ts';

const address = (of: string, more: Partial<Address> = {}): Address => ({
  family: of.includes(':') ? 6 : 4,
  address: of,
  prefix: 24,
  interface: 'eth0',
  dynamic: true,
  ...more,
});

const network = (changes: Partial<Network>): Facts =>
  facts({
    network: {
      addresses: [address('10.1.2.3')],
      defaultRoutes: [{ family: 4, interface: 'eth0', gateway: '10.1.2.1' }],
      nameservers: ['10.1.2.1'],
      ...changes,
    },
  });

describe('addresses, routes and name servers', () => {
  test.each<[string, Partial<Network>, string]>([
    ['no address', { addresses: [] }, 'eth0 lost its IPv4 address 10.1.2.3'],
    ['no default route', { defaultRoutes: [] }, 'the IPv4 default route by 10.1.2.1 is gone'],
    ['no name server', { nameservers: [] }, '/etc/resolv.conf names no server any more, before it was 10.1.2.1'],
  ])('lost: %s', (_name, after, message) => {
    const findings = compareFacts(network({}), network(after));
    expect(deciding(findings)).toEqual([message]);
    expect(findings.every(({ transient }) => transient)).toBe(true);
  });

  test('another lease is told, and does not decide; an address that was not leased does', () => {
    const leased = compareFacts(network({}), network({ addresses: [address('10.1.2.77')] }));
    expect(deciding(leased)).toEqual([]);
    expect(leased[0]?.message).toBe('eth0 has the IPv4 address 10.1.2.77 now, before it was 10.1.2.3');
    const fixed = compareFacts(
      network({ addresses: [address('10.1.2.3', { dynamic: false })] }),
      network({ addresses: [address('10.1.2.77')] }),
    );
    expect(deciding(fixed)).toHaveLength(1);
  });

  test('a bridge for containers of its own is told, and does not decide', () => {
    const bridge = (name: string): Facts =>
      network({ addresses: [address('10.1.2.3'), address('172.18.0.1', { interface: name, dynamic: false })] });
    expect(deciding(compareFacts(bridge('br-0123456789ab'), network({})))).toEqual([]);
    expect(deciding(compareFacts(bridge('docker0'), network({})))).toEqual([]);
    expect(deciding(compareFacts(bridge('br-lan'), network({})))).toHaveLength(1);
    expect(deciding(compareFacts(bridge('wg0'), network({})))).toHaveLength(1);
  });

  test('the same address on an interface with another name is the same address', () => {
    expect(compareFacts(network({}), network({ addresses: [address('10.1.2.3', { interface: 'enp5s0' })] }))).toEqual(
      [],
    );
  });

  test('a name server inside has to listen, one elsewhere may answer', () => {
    const naming = (nameservers: string[], sockets: Socket[] | null = []): Facts => ({
      ...network({ nameservers }),
      sockets,
    });
    const resolver = [udp('127.0.0.1', 53, owner('unbound.service'))];
    const lost = ['/etc/resolv.conf names 127.0.0.1 now, where nobody listens, before it was 10.1.2.1'];
    expect(deciding(compareFacts(naming(['10.1.2.1']), naming(['127.0.0.1'])))).toEqual(lost);
    expect(deciding(compareFacts(naming(['10.1.2.1']), naming(['127.0.0.1'], resolver)))).toEqual([]);
    expect(deciding(compareFacts(naming(['10.1.2.1']), naming(['127.0.0.1'], null)))).toEqual([]);
    expect(deciding(compareFacts(naming(['10.1.2.1']), naming(['127.0.0.1', '10.9.9.9'])))).toEqual([]);
    expect(deciding(compareFacts(naming(['127.0.0.9']), naming(['127.0.0.1'])))).toEqual([]);
  });

  test('an instance without a network has nothing to lose', () => {
    const none = { addresses: [], defaultRoutes: [], nameservers: [] };
    expect(compareFacts(network(none), network({}))).toEqual([]);
    expect(compareFacts(network(none), network(none))).toEqual([]);
  });
});

describe('F45: what the package manager calls not properly installed', () => {
  const packages = (changes: Partial<Packages>): Facts =>
    facts({ packages: { manager: 'dpkg', installed: {}, broken: {}, interrupted: false, ...changes } });

  test('half-configured now, and not before', () => {
    expect(deciding(compareFacts(packages({}), packages({ broken: { 'dovecot-core': 'half-configured' } })))).toEqual([
      'package dovecot-core is half-configured',
    ]);
  });

  test('F34: half-configured all along', () => {
    const broken = packages({ broken: { 'dovecot-core': 'half-configured' } });
    expect(compareFacts(broken, broken)).toEqual([]);
  });

  test('triggers that wait are told', () => {
    const findings = compareFacts(
      packages({}),
      packages({ broken: { libc: 'triggers-pending', 'man-db': 'triggers-awaited' } }),
    );
    expect(findings.map(({ severity, message }) => [severity, message])).toEqual([
      ['advisory', 'triggers of libc and man-db have not been run'],
    ]);
  });

  test('it may still settle while the package manager is at work', () => {
    const after = { ...packages({ broken: { nginx: 'unpacked' } }), processes: [process('dpkg', 7)] };
    expect(compareFacts(packages({}), after)[0]).toMatchObject({ severity: 'required', transient: true });
  });

  test('F24: interrupted', () => {
    expect(deciding(compareFacts(packages({}), packages({ interrupted: true })))).toEqual([
      'dpkg was interrupted in the middle of its work',
    ]);
  });
});

describe('the root file system', () => {
  const disk = (changes: Partial<Disk>): Facts =>
    facts({
      disk: {
        totalBytes: 2 ** 30,
        availableBytes: 2 ** 29,
        totalInodes: 65_536,
        availableInodes: 50_000,
        writable: true,
        ...changes,
      },
    });

  test.each<[string, Partial<Disk>, string]>([
    ['F15: filled up', { availableBytes: 0 }, 'the root file system has 0 bytes of 1 GiB left, before it was 512 MiB'],
    ['out of inodes', { availableInodes: 3 }, 'the root file system has 3 inodes left, before it was 50000'],
    ['read-only', { writable: false }, 'the root file system can no longer be written to'],
  ])('%s', (_name, after, message) => {
    expect(deciding(compareFacts(disk({}), disk(after)))).toEqual([message]);
    expect(compareFacts(disk(after), disk(after))).toEqual([]);
  });

  test('less space alone is no finding, and more never is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 28, max: 2 ** 30 }), fc.integer({ min: 2 ** 28, max: 2 ** 30 }), (was, is) => {
        expect(compareFacts(disk({ availableBytes: was }), disk({ availableBytes: is }))).toEqual([]);
      }),
    );
    expect(compareFacts(disk({ availableBytes: 0 }), disk({}))).toEqual([]);
  });

  test('a file system without a count of inodes', () => {
    expect(
      compareFacts(disk({ totalInodes: 0, availableInodes: 0 }), disk({ totalInodes: 0, availableInodes: 0 })),
    ).toEqual([]);
  });
});

describe('processes, where no service manager tells', () => {
  const bare = (...names: readonly string[]): Facts =>
    facts({ manager: { kind: 'none' }, units: null, processes: names.map((name, at) => process(name, at + 2)) });

  test('a long-running process that vanished', () => {
    expect(deciding(compareFacts(bare('httpd', 'crond'), bare('crond')))).toEqual([
      'process httpd was running, is gone',
    ]);
  });

  test('another version of it, what waits in a script, and what is young, do not count', () => {
    expect(compareFacts(bare('php-fpm8.2', 'sleep', 'sh'), bare('php-fpm8.4'))).toEqual([]);
    const young = { ...bare('httpd'), processes: [process('httpd', 2), process('logger', 3, { ageMs: 10_000 })] };
    expect(compareFacts(young, bare('httpd'))).toEqual([]);
  });

  test('with systemd the units say it', () => {
    expect(compareFacts(facts({ processes: [process('httpd', 2)] }), facts({ processes: [] }))).toEqual([]);
  });

  test('any processes: nothing is found between a look and itself', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 15 })), (names) => {
        expect(compareFacts(bare(...names), bare(...names.toReversed()))).toEqual([]);
      }),
    );
  });
});

test('a restart is asked for anew', () => {
  const asked = facts({ reboot: { required: true, packages: ['libc6', 'dbus'] } });
  expect(compareFacts(facts(), asked).map(({ severity, message }) => [severity, message])).toEqual([
    ['advisory', 'the instance requires a restart for libc6, dbus'],
  ]);
  expect(compareFacts(asked, asked)).toEqual([]);
});

test('what cannot be read any more is told by itself, and says nothing about health', () => {
  const names = ['units', 'sockets', 'unixSockets', 'network', 'packages', 'disk', 'processes'] as const;
  fc.assert(
    fc.property(fc.subarray([...names]), (lost) => {
      const after = facts(Object.fromEntries(lost.map((name) => [name, null])));
      expect(missingFacts(facts(), after).map(({ subject }) => subject)).toEqual(lost.map((name) => `facts:${name}`));
      expect(compareFacts(facts(), after)).toEqual([]);
      expect(missingFacts(after, after)).toEqual([]);
    }),
  );
});
