import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Facts, Network, Socket } from '../../../src/health/facts.ts';
import { deciding, facts, owner, service, tcp, udp, units } from '../example-facts.ts';

const redis = owner('redis-server.service', 'redis-server');
const named = owner('named.service', 'named');

/** Sentences that decide, with every unit running on both sides. */
const compareSockets = (before: readonly Socket[], after: readonly Socket[], more: Partial<Facts> = {}): string[] =>
  deciding(
    compareFacts(
      facts({ units: units(service('redis-server.service')), sockets: before, ...more }),
      facts({ units: units(service('redis-server.service')), sockets: after, ...more }),
    ),
  );

const withV6: Network = {
  addresses: [
    { family: 4, address: '10.1.2.3', prefix: 24, interface: 'eth0', dynamic: true },
    { family: 6, address: 'fd00::3', prefix: 64, interface: 'eth0', dynamic: true },
  ],
  defaultRoutes: [],
  nameservers: [],
};

describe('sockets that are gone, narrowed or moved', () => {
  test('gone, although the unit runs', () => {
    expect(compareSockets([tcp('0.0.0.0', 6379, redis)], [])).toEqual([
      'redis-server.service does not listen on port 6379 tcp any more',
    ]);
  });

  test('gone, one sentence for all ports of one owner', () => {
    const before = [tcp('0.0.0.0', 53, named), udp('0.0.0.0', 53, named), tcp('127.0.0.1', 953, named)];
    expect(compareSockets(before, [])).toEqual([
      'named.service does not listen on ports 53 tcp, udp and 953 tcp any more',
    ]);
  });

  test('gone, without a known owner', () => {
    expect(compareSockets([tcp('0.0.0.0', 8080)], [])).toEqual(['port 8080 tcp no longer listened on']);
  });

  test('narrowed from every address to loopback', () => {
    expect(
      compareSockets([tcp('0.0.0.0', 6379, redis)], [tcp('127.0.0.1', 6379, redis), tcp('::1', 6379, redis)]),
    ).toEqual(['redis-server.service listens on port 6379 tcp only at 127.0.0.1 and ::1 now, before at every address']);
  });

  test('narrowed from one address of the instance to loopback', () => {
    expect(
      compareSockets([tcp('10.1.2.3', 53, named), tcp('127.0.0.1', 53, named)], [tcp('127.0.0.1', 53, named)]),
    ).toHaveLength(1);
  });

  test('moved to another port', () => {
    const sshd = owner('ssh.service', 'sshd');
    expect(compareSockets([tcp('0.0.0.0', 2222, sshd)], [tcp('0.0.0.0', 22, sshd)])).toEqual([
      'ssh.service moved from port 2222 to 22 tcp',
    ]);
  });

  test('a replaced configuration file explains it, with what it said before and now', () => {
    const path = '/etc/redis/redis.conf';
    const configuration = (signature: string, bind: string): Facts['configuration'] => ({
      signatures: { [path]: signature, ...(signature === 'new' ? { [`${path}.dpkg-old`]: 'old' } : {}) },
      listenLines: { [path]: ['port 6379', bind] },
      references: {},
      zones: [],
    });
    const findings = compareFacts(
      facts({ sockets: [tcp('0.0.0.0', 6379, redis)], configuration: configuration('old', 'bind 0.0.0.0') }),
      facts({ sockets: [tcp('127.0.0.1', 6379, redis)], configuration: configuration('new', 'bind 127.0.0.1 -::1') }),
    );
    expect(findings).toHaveLength(1);
    expect(findings[0]?.message).toBe(
      'redis-server.service listens on port 6379 tcp only at 127.0.0.1 now, before at every address; /etc/redis/redis.conf was replaced' +
        ' (the old one is /etc/redis/redis.conf.dpkg-old): "bind 0.0.0.0" became "bind 127.0.0.1 -::1"',
    );
  });

  test('a replaced configuration file whose service still listens is told, and does not decide', () => {
    const path = '/etc/redis/redis.conf';
    const look = (signature: string, line: string): Facts =>
      facts({
        configuration: {
          signatures: { [path]: signature },
          listenLines: { [path]: [line] },
          references: {},
          zones: [],
        },
      });
    const [finding] = compareFacts(look('1', 'bind 0.0.0.0'), look('2', 'bind 127.0.0.1'));
    expect(finding).toMatchObject({ severity: 'advisory', subject: `file:${path}` });
  });
});

describe('sockets that serve as well as before', () => {
  test.each<[string, Socket[], Socket[]]>([
    ['one for both families instead of one each', [tcp('0.0.0.0', 80, redis)], [tcp('::', 80, redis, false)]],
    ['the same, where it cannot be known', [tcp('0.0.0.0', 80, redis)], [tcp('::', 80, redis)]],
    [
      'one each instead of one for both',
      [tcp('::', 80, redis, false)],
      [tcp('0.0.0.0', 80, redis), tcp('::', 80, redis, true)],
    ],
    [
      'one for each address instead of one for all',
      [udp('0.0.0.0', 53, named)],
      [udp('10.1.2.3', 53, named), udp('127.0.0.1', 53, named)],
    ],
    ['one for all instead of one address', [tcp('127.0.0.1', 6379, redis)], [tcp('0.0.0.0', 6379, redis)]],
    [
      'in the hands of another process',
      [tcp('0.0.0.0', 25, owner('exim4.service'))],
      [tcp('0.0.0.0', 25, owner('postfix.service'))],
    ],
    [
      'IPv6 loopback alone is gone',
      [tcp('127.0.0.1', 25, redis), tcp('::1', 25, redis)],
      [tcp('127.0.0.1', 25, redis)],
    ],
    [
      'IPv6 that the instance has no address for',
      [tcp('0.0.0.0', 80, redis), tcp('::', 80, redis, true)],
      [tcp('0.0.0.0', 80, redis)],
    ],
    ['of a DHCP client', [udp('0.0.0.0', 68, owner('networking.service', 'dhclient')), udp('10.1.2.3', 68)], []],
    [
      'random ports of a resolver',
      [udp('0.0.0.0', 53, named), udp('0.0.0.0', 41_234, named), udp('0.0.0.0', 9321, named)],
      [udp('0.0.0.0', 53, named)],
    ],
    ['a random port of anything', [udp('0.0.0.0', 53_211, owner('app.service'))], []],
    [
      'random ports of a program that has another one each time',
      [tcp('0.0.0.0', 41_001, owner('nfs.service'))],
      [tcp('0.0.0.0', 37_002, owner('nfs.service'))],
    ],
    ['a port of a call or of a relay', [udp('0.0.0.0', 62_001, owner('coturn.service', 'turnserver'))], []],
    [
      'a reserved port that the port mapper knows',
      [udp('0.0.0.0', 812, owner('nfs-mountd.service', 'rpc.mountd'))],
      [udp('0.0.0.0', 977, owner('nfs-mountd.service', 'rpc.mountd'))],
    ],
    [
      "systemd's own resolver, which resolv.conf does not name",
      [udp('127.0.0.53', 53, owner('systemd-resolved.service', 'systemd-resolve'))],
      [],
    ],
    ['link-local', [tcp('fe80::1', 53, named)], []],
    ['of a session', [tcp('127.0.0.1', 6010, { process: 'sshd', unit: 'session-4.scope' })], []],
    [
      'LLMNR, which systemd no longer answers',
      [tcp('0.0.0.0', 5355, owner('systemd-resolved.service', 'systemd-resolve'))],
      [],
    ],
  ])('%s', (_name, before, after) => {
    expect(compareSockets(before, after)).toEqual([]);
  });

  test('another address was leased, and the service followed', () => {
    const network = (address: string): Network => ({
      addresses: [{ family: 4, address, prefix: 24, interface: 'eth0', dynamic: true }],
      defaultRoutes: [],
      nameservers: [],
    });
    const before = facts({ network: network('10.1.2.3'), sockets: [tcp('10.1.2.3', 53, named)] });
    const after = facts({ network: network('10.1.2.9'), sockets: [tcp('10.1.2.9', 53, named)] });
    expect(deciding(compareFacts(before, after))).toEqual([]);
  });
});

test('the address of a bridge for guests, which comes when it comes', () => {
  const turn = owner('coturn.service', 'turnserver');
  const before = [tcp('10.1.2.3', 3478, turn), tcp('172.17.0.1', 3478, turn)];
  const on = (name: string): Network => ({
    ...withV6,
    addresses: [...withV6.addresses, { family: 4, address: '172.17.0.1', prefix: 16, interface: name, dynamic: false }],
  });
  expect(compareSockets(before, before.slice(0, 1), { network: on('docker0') })).toEqual([]);
  expect(compareSockets(before, before.slice(0, 1), { network: on('eth1') })).toHaveLength(1);
});

describe('sockets that serve less than before', () => {
  test.each<[string, Socket[], Socket[]]>([
    ['IPv6 only, instead of IPv4', [tcp('0.0.0.0', 80, redis)], [tcp('::', 80, redis, true)]],
    ['IPv6 only, instead of both', [tcp('::', 80, redis, false)], [tcp('::', 80, redis, true)]],
    ['loopback in the other family', [tcp('127.0.0.1', 25, redis)], [tcp('::1', 25, redis)]],
    ['udp is gone, tcp stays', [tcp('0.0.0.0', 53, named), udp('0.0.0.0', 53, named)], [tcp('0.0.0.0', 53, named)]],
    ['a known UDP service in the range of random ports', [udp('0.0.0.0', 51_820, owner('vpn.service'))], []],
    [
      'a high UDP port that is listened on for TCP too',
      [tcp('0.0.0.0', 50_053, named), udp('0.0.0.0', 50_053, named)],
      [tcp('0.0.0.0', 50_053, named)],
    ],
    ['a high TCP port', [tcp('0.0.0.0', 50_051, owner('app.service'))], []],
    ['a loopback socket', [tcp('127.0.0.1', 3306, owner('mariadb.service'))], []],
  ])('%s', (_name, before, after) => {
    expect(compareSockets(before, after)).toHaveLength(1);
  });

  test("systemd's own resolver, which resolv.conf names", () => {
    const before = [udp('127.0.0.53', 53, owner('systemd-resolved.service', 'systemd-resolve'))];
    const network = { addresses: [], defaultRoutes: [], nameservers: ['127.0.0.53'] };
    expect(compareSockets(before, [], { network })).toHaveLength(1);
  });

  test('IPv6, where the instance has an address for it', () => {
    const before = [tcp('0.0.0.0', 80, redis), tcp('::', 80, redis, true)];
    expect(compareSockets(before, [tcp('0.0.0.0', 80, redis)], { network: withV6 })).toHaveLength(1);
  });
});

const anySocket = fc
  .record({
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    address: fc.constantFrom('0.0.0.0', '127.0.0.1', '10.1.2.3', '::', '::1', 'fd00::3', 'fe80::1'),
    port: fc.integer({ min: 1, max: 65_535 }),
    v6only: fc.constantFrom(true, false, null),
    owner: fc.constantFrom(null, redis, named),
  })
  .map((socket): Socket => ({ ...socket, v6only: socket.address === '::' ? socket.v6only : null }));

test('whatever listens, nothing is found between a look and itself, in whatever order', () => {
  fc.assert(
    fc.property(fc.array(anySocket), fc.func(fc.nat()), (sockets, order) => {
      const shuffled = sockets.toSorted((a, b) => order(a) - order(b));
      expect(compareFacts(facts({ sockets }), facts({ sockets: shuffled }))).toEqual([]);
    }),
  );
});

test('what listens anew never decides', () => {
  fc.assert(
    fc.property(fc.array(anySocket), fc.array(anySocket), (sockets, more) => {
      const findings = compareFacts(facts({ sockets }), facts({ sockets: [...sockets, ...more] }));
      expect(deciding(findings)).toEqual([]);
    }),
  );
});

test('a well-known TCP port that nobody has any more always decides', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1023 }),
      fc.constantFrom('0.0.0.0', '127.0.0.1', '10.1.2.3'),
      (port, address) => {
        expect(compareSockets([tcp(address, port, redis)], [])).toHaveLength(1);
      },
    ),
  );
});

test('sockets unknown on either side say nothing', () => {
  const known = facts({ sockets: [tcp('0.0.0.0', 80, redis)] });
  expect(compareFacts(known, facts({ sockets: null }))).toEqual([]);
  expect(compareFacts(facts({ sockets: null }), known)).toEqual([]);
});

test('5,000 sockets that are all gone are one sentence of bounded length', () => {
  const sockets = Array.from({ length: 5000 }, (_, at) => tcp('0.0.0.0', at + 1, redis));
  const findings = compareFacts(facts({ sockets }), facts({ sockets: [] }));
  expect(findings).toHaveLength(1);
  expect(findings[0]?.message).toMatch(/and 4992 more/);
});
