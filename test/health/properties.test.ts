import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareFacts } from '../../src/health/compare.ts';
import { detectRestarts } from '../../src/health/flapping.ts';
import type { Answer, Facts } from '../../src/health/facts.ts';
import { parseProbe } from '../../src/health/probe/probe.ts';
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
  unix,
} from './example-facts.ts';

/** What must hold of each rule: the one thing that it finds is found in any order, among unknown fields, in a crowd. */
interface Rule {
  readonly name: string;
  readonly before: Facts;
  readonly after: Facts;
}

const pdns = service('pdns.service');
const listening = [tcp('0.0.0.0', 53, owner('pdns.service')), udp('0.0.0.0', 53, owner('pdns.service'))];
const serving = (...sockets: Facts['sockets'] & object): Facts => facts({ units: units(pdns), sockets });
const answering = (answer: Omit<Answer, 'said'>, said: string | null): Facts =>
  facts({
    units: units(pdns),
    sockets: [tcp('0.0.0.0', Number(answer.port.split('/')[1]), owner('pdns.service')), ...listening],
    answers: [{ ...answer, said }],
    configuration: { signatures: {}, listenLines: {}, references: {}, zones: ['example.test'] },
  });
const bare = (...names: readonly string[]): Facts =>
  facts({ manager: { kind: 'none' }, units: null, processes: names.map((name, at) => process(name, at + 2)) });
const disk = {
  totalBytes: 2 ** 34,
  availableBytes: 2 ** 33,
  totalInodes: 10_000,
  availableInodes: 9000,
  writable: true,
};
const packages = { manager: 'dpkg', installed: {}, broken: {}, interrupted: false } as const;
const { network } = facts();
const replaced = (signature: string, line: string): Facts['configuration'] => ({
  signatures: { '/etc/powerdns/pdns.conf': signature },
  listenLines: { '/etc/powerdns/pdns.conf': [line] },
  references: {},
  zones: [],
});

const rule = (name: string, before: Facts, after: Facts): Rule => ({ name, before, after });
const http = { protocol: 'http', port: 'tcp/80', question: '/' } as const;

const rules: readonly Rule[] = [
  rule('a unit that failed', serving(...listening), facts({ units: units(failed('pdns.service')) })),
  rule('a unit that stopped', facts({ units: units(pdns) }), facts({ units: units(dead('pdns.service')) })),
  rule('a restart loop', serving(...listening), facts({ units: units(restarting('pdns.service', 4)) })),
  rule(
    'a unit that is stuck half-way',
    serving(...listening),
    facts({ units: units(service('pdns.service', { active: 'activating', sub: 'start' })), sockets: listening }),
  ),
  rule('a unit that is gone with its package, and with what it served', serving(...listening), facts()),
  rule('sockets that are gone', serving(...listening), serving()),
  rule(
    'a socket that was narrowed',
    serving(tcp('0.0.0.0', 53, owner('pdns.service'))),
    serving(tcp('127.0.0.1', 53, owner('pdns.service'))),
  ),
  rule(
    'a socket that moved',
    serving(tcp('0.0.0.0', 53, owner('pdns.service'))),
    serving(tcp('0.0.0.0', 5300, owner('pdns.service'))),
  ),
  rule(
    'a socket that a replaced configuration explains',
    { ...serving(...listening), configuration: replaced('10 1', 'local-address=0.0.0.0') },
    { ...serving(), configuration: replaced('12 2', 'local-address=127.0.0.9') },
  ),
  rule(
    'a named unix socket',
    facts({ units: units(pdns), unixSockets: [unix('/run/pdns/api.sock', owner('pdns.service'))] }),
    facts({ units: units(pdns) }),
  ),
  rule(
    'an address',
    facts(),
    facts({ network: { addresses: [], defaultRoutes: network?.defaultRoutes ?? [], nameservers: ['10.1.2.1'] } }),
  ),
  rule(
    'the way out',
    facts(),
    facts({ network: { addresses: network?.addresses ?? [], defaultRoutes: [], nameservers: ['10.1.2.1'] } }),
  ),
  rule(
    'the name servers',
    facts(),
    facts({
      network: { addresses: network?.addresses ?? [], defaultRoutes: network?.defaultRoutes ?? [], nameservers: [] },
    }),
  ),
  rule(
    'a half-configured package',
    facts({ packages }),
    facts({ packages: { ...packages, broken: { pdns: 'half-configured' } } }),
  ),
  rule('an interrupted package manager', facts({ packages }), facts({ packages: { ...packages, interrupted: true } })),
  rule('a full disk', facts({ disk }), facts({ disk: { ...disk, availableBytes: 0 } })),
  rule('no inodes', facts({ disk }), facts({ disk: { ...disk, availableInodes: 0 } })),
  rule('a disk that cannot be written to', facts({ disk }), facts({ disk: { ...disk, writable: false } })),
  rule('a process that vanished', bare('httpd', 'crond'), bare('crond')),
  rule('systemd itself', facts(), facts({ manager: { kind: 'systemd', answers: false, booted: false }, units: null })),
  rule('a page', answering(http, '200'), answering(http, '502')),
  rule(
    'a program among the pages',
    answering({ ...http, question: '/index.php' }, '200'),
    answering({ ...http, question: '/index.php' }, '500'),
  ),
  rule(
    'a proxy',
    answering({ protocol: 'http', port: 'tcp/3128', question: 'http://127.0.0.1/' }, '200'),
    answering({ protocol: 'http', port: 'tcp/3128', question: 'http://127.0.0.1/' }, '403'),
  ),
  rule(
    'a zone',
    answering({ protocol: 'dns', port: 'udp/53', question: 'example.test' }, 'NOERROR'),
    answering({ protocol: 'dns', port: 'udp/53', question: 'example.test' }, 'SERVFAIL'),
  ),
  rule(
    'a greeting',
    answering({ protocol: 'greeting', port: 'tcp/22', question: 'ssh' }, 'SSH-'),
    answering({ protocol: 'greeting', port: 'tcp/22', question: 'ssh' }, null),
  ),
  rule(
    'a recipient',
    answering({ protocol: 'mail', port: 'tcp/25', question: 'postmaster' }, '250'),
    answering({ protocol: 'mail', port: 'tcp/25', question: 'postmaster' }, '451'),
  ),
  rule(
    'a directory',
    answering({ protocol: 'ldap', port: 'tcp/389', question: 'dc=example' }, 'success'),
    answering({ protocol: 'ldap', port: 'tcp/389', question: 'dc=example' }, 'no such object'),
  ),
];

type Order = (item: string) => number;

const anyOrder = fc.nat(1000).map((seed): Order => {
  const places = new Map<string, number>();
  return (item) => {
    const place = places.get(item) ?? ((places.size + 1) * (seed * 2 + 1)) % 1009;
    places.set(item, place);
    return place;
  };
});

/** The same facts, whatever they list listed in another order. Only the order of name servers means something. */
const reordered = <T>(value: T, order: Order): T => {
  const by = (item: unknown): number => order(JSON.stringify(item));
  if (Array.isArray(value)) return value.map((item) => reordered(item, order)).toSorted((a, b) => by(a) - by(b)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, kept.has(key) ? item : reordered(item, order)] as const)
      .toSorted(([a], [b]) => by(a) - by(b)),
  ) as T;
};

const kept = new Set(['nameservers', 'ephemeralPorts', 'listenLines']);

/** As a later version may write them: fields that nobody knows yet, at every level. */
const withUnknown = <T>(value: T, extra: unknown): T => {
  if (Array.isArray(value)) return value.map((item) => withUnknown(item, extra)) as T;
  if (value === null || typeof value !== 'object') return value;
  return {
    ...Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, byName.has(key) ? item : withUnknown(item, extra)]),
    ),
    notYetKnown: extra,
  } as T;
};

/** Whose keys are names of things. */
const byName = new Set(['units', 'signatures', 'listenLines', 'references', 'installed', 'broken']);

/** The same facts among many others that are as they were. */
const crowded = (of: Facts, many: number): Facts => {
  const each = <T>(make: (at: number) => T): T[] => Array.from({ length: many }, (_, at) => make(at));
  return {
    ...of,
    units: of.units && {
      ...units(...each((at) => service(`crowd${at}.service`, { mainPid: 100_000 + at }))),
      ...of.units,
    },
    sockets: of.sockets && [
      ...each((at) => tcp('127.0.0.1', 10_000 + (at % 20_000), owner(`crowd${at}.service`))),
      ...of.sockets,
    ],
    unixSockets: of.unixSockets && [
      ...each((at) => unix(`/run/crowd/${at}/s`, owner(`crowd${at}.service`))),
      ...of.unixSockets,
    ],
    packages: of.packages && {
      ...of.packages,
      installed: { ...of.packages.installed, ...Object.fromEntries(each((at) => [`crowd${at}`, '1'])) },
      broken: { ...of.packages.broken, ...Object.fromEntries(each((at) => [`crowd${at}`, 'half-configured'])) },
    },
    processes: of.processes && [...each((at) => process('crowd', 100_000 + at)), ...of.processes],
    answers: of.answers && [
      ...each((at): Answer => ({ ...http, port: `tcp/${10_000 + (at % 20_000)}`, said: '200' })),
      ...of.answers,
    ],
  };
};

const found = (before: Facts, after: Facts): string[] => deciding(compareFacts(before, after)).toSorted();

describe.each(rules)('$name', ({ before, after }) => {
  const once = found(before, after);

  test('is found, and nothing is found the other way round that was bad before', () => {
    expect(once).toHaveLength(1);
    expect(found(before, before)).toEqual([]);
    expect(found(after, after)).toEqual([]);
  });

  test('in whatever order everything is listed', () => {
    fc.assert(
      fc.property(anyOrder, anyOrder, (one, other) => {
        expect(found(reordered(before, one), reordered(after, other))).toEqual(once);
      }),
      { numRuns: 30 },
    );
  });

  test('among fields that nobody knows', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (extra) => {
        expect(found(withUnknown(before, extra), withUnknown(after, extra))).toEqual(once);
      }),
      { numRuns: 30 },
    );
  });

  test('in a crowd of 10,000', () => {
    expect(found(crowded(before, 10_000), crowded(after, 10_000))).toEqual(once);
  }, 60_000);

  test('never where its section could not be read on either side', () => {
    const sections = [
      'units',
      'sockets',
      'unixSockets',
      'network',
      'packages',
      'disk',
      'processes',
      'answers',
    ] as const;
    const unreadable = (of: Facts): Facts => ({ ...of, ...Object.fromEntries(sections.map((name) => [name, null])) });
    const manager = once.filter((message) => message.startsWith('systemd answered'));
    expect(found(unreadable(before), after)).toEqual(manager);
    expect(found(before, unreadable(after))).toEqual(manager);
  });
});

describe('a recorded look', () => {
  // That of the recordings.
  const nonce = '0123456789abcdef0123456789abcdef';
  const recorded = (name: string): string =>
    readFileSync(join(import.meta.dirname, `probe/fixtures/${name}.txt`), 'utf8');
  const read = (text: string): Facts | null => {
    const all = parseProbe(text, nonce);
    return all.ok ? all.value : null;
  };

  test.each(['debian-12-systemd', 'debian-13-servers', 'debian-12-openrc', 'busybox'])(
    '%s, cut off anywhere: what is missing is unknown, and never a loss',
    (name) => {
      const text = recorded(name);
      const whole = read(text);
      if (whole === null) throw new Error('unreadable');
      fc.assert(
        fc.property(fc.nat(text.length), (end) => {
          const cut = read(text.slice(0, end));
          if (cut === null) return;
          const losses = deciding([...compareFacts(whole, cut), ...detectRestarts(whole, whole, cut)]);
          expect(losses.filter((message) => message !== 'systemd answered before and does not answer now')).toEqual([]);
        }),
        { numRuns: 200 },
      );
    },
  );
});
