import { describe, expect, test } from 'vitest';
import { checkDefaults, dnsDefaults, httpDefaults, systemdDefaults } from '../../src/check-default.ts';
import type { CheckDefinition } from '../../src/check-definition.ts';
import { emptyLayer } from '../../src/config/layer.ts';
import { read } from './read.ts';

const checkOf = (flow: string): CheckDefinition | null | undefined =>
  read(`defaults: {checks: {it: {${flow}}}}`).defaults.checks?.['it'];

describe('checks', () => {
  test.each<[flow: string, definition: Record<string, unknown>]>([
    [
      'exec: pg_isready -q',
      { kind: 'exec', command: ['sh', '-c', 'pg_isready -q'], environment: {}, user: 0, cwd: '/' },
    ],
    [
      'exec: [echo, "$HOME", 5, "", 1.10]',
      { kind: 'exec', command: ['echo', '$HOME', '5', '', '1.10'], environment: {}, user: 0, cwd: '/' },
    ],
    [
      'exec: id, user: 33, cwd: /srv, environment: {A: b, N: 8, V: 1.10, E: ""}',
      {
        kind: 'exec',
        command: ['sh', '-c', 'id'],
        environment: { A: 'b', N: '8', V: '1.10', E: '' },
        user: 33,
        cwd: '/srv',
      },
    ],
    ['host: [curl, "{address}"]', { kind: 'host', command: ['curl', '{address}'], environment: {} }],
    ['http: "http://{address}/"', { kind: 'http', url: 'http://{address}/', ...httpDefaults }],
    [
      'http: "https://{address6:eth1}:8443/h?a=b", method: HEAD, headers: {Host: a.example}, status: "200,301-302", redirects: 2',
      {
        kind: 'http',
        url: 'https://{address6:eth1}:8443/h?a=b',
        ...httpDefaults,
        method: 'HEAD',
        headers: { Host: 'a.example' },
        status: [
          { first: 200, last: 200 },
          { first: 301, last: 302 },
        ],
        redirects: 2,
      },
    ],
    [
      'http: "http://a/", status: 204, expectBody: {matches: "^ok"}, expectHeaders: {Server: nginx}, tls: {verify: false, serverName: b}',
      {
        kind: 'http',
        url: 'http://a/',
        ...httpDefaults,
        status: [{ first: 204, last: 204 }],
        expectBody: { kind: 'regex', pattern: '^ok' },
        expectHeaders: { Server: { kind: 'text', text: 'nginx' } },
        tls: { verify: false, caFile: null, serverName: 'b' },
      },
    ],
    ['tcp: 25', { kind: 'tcp', address: '{address}', port: 25, send: null, expect: null }],
    ['tcp: "[2001:db8::1]:25"', { kind: 'tcp', address: '2001:db8::1', port: 25, send: null, expect: null }],
    ['tcp: "{address:eth1}:25"', { kind: 'tcp', address: '{address:eth1}', port: 25, send: null, expect: null }],
    [
      'tcp: "mail.example:25", send: "QUIT\\r\\n", expect: "220 "',
      { kind: 'tcp', address: 'mail.example', port: 25, send: 'QUIT\r\n', expect: { kind: 'text', text: '220 ' } },
    ],
    ['dns: example.org', { kind: 'dns', query: 'example.org', ...dnsDefaults }],
    [
      'dns: example.org, type: MX, server: 192.0.2.1, port: 5353, transport: tcp, rcode: NXDOMAIN, answers: []',
      {
        kind: 'dns',
        query: 'example.org',
        type: 'MX',
        server: '192.0.2.1',
        port: 5353,
        transport: 'tcp',
        rcode: 'NXDOMAIN',
        answers: [],
      },
    ],
    ['systemd: nginx.service', { kind: 'systemd', unit: 'nginx.service', ...systemdDefaults }],
    [
      'systemd: a@b.service, active: inactive, sub: [dead, exited]',
      { kind: 'systemd', unit: 'a@b.service', active: ['inactive'], sub: ['dead', 'exited'] },
    ],
    [
      'plugin: [check_load, -w, 5]',
      { kind: 'plugin', command: ['check_load', '-w', '5'], where: 'inside', warning: 'passed' },
    ],
    [
      'plugin: check_x, where: host, warning: failed',
      { kind: 'plugin', command: ['sh', '-c', 'check_x'], where: 'host', warning: 'failed' },
    ],
    ['directory: /etc/greenboot/check', { kind: 'directory', path: '/etc/greenboot/check' }],
  ])('%s', (flow, definition) => {
    expect(checkOf(flow)).toEqual({ ...checkDefaults, name: 'it', ...definition });
  });

  test('every kind has its times, retries and severity', () => {
    const timing = 'timeout: 1s, interval: 500ms, retries: 5, startPeriod: 1m, severity: advisory';
    for (const kind of [
      'exec: x',
      'host: x',
      'http: "http://a"',
      'tcp: 1',
      'dns: a',
      'systemd: a',
      'plugin: x',
      'directory: /x',
    ])
      expect(checkOf(`${kind}, ${timing}`)).toMatchObject({
        timeoutMs: 1000,
        intervalMs: 500,
        retries: 5,
        startPeriodMs: 60_000,
        severity: 'advisory',
      });
  });

  test('a file of certificates is found beside the guard.yaml that names it', () => {
    const text = 'defaults: {checks: {it: {http: "https://a", tls: {caFile: ca.pem}}}}';
    expect(read(text, '/srv/app/guard.yaml').defaults.checks?.['it']).toMatchObject({
      tls: { caFile: '/srv/app/ca.pem' },
    });
  });

  test('names may hold spaces and colons, and look like numbers', () => {
    expect(
      Object.keys(read('defaults: {checks: {"the web: site": {tcp: 80}, 53: {tcp: 53}}}').defaults.checks ?? {}),
    ).toEqual(expect.arrayContaining(['the web: site', '53']));
  });
});

describe('settings', () => {
  test.each(['true', 'false', 'optional'])('automatic: %s', (word) => {
    expect(read(`defaults: {automatic: ${word}}`).defaults.automatic).toEqual({
      compare: word === 'optional' ? word : word === 'true',
    });
  });

  test('are read as the program uses them', () => {
    const text = `
defaults:
  automatic: false
  verifyTimeout: 5m
  soak: 0s
  restart: true
  allowUnhealthy: true
  onFailure: { command: keep, timeout: ask }
  askTimeout: 1m
  timeout: never
  idleTimeout: 30m
  okStatus: 0, 100-103
  environment: { LANG: C, PORT: 8080 }
  user: 33
  group: 34
  cwd: /srv
  keep: 0
  expires: never
  waitLock: 30s
  restorePointTimeout: 1h
  stopTimeout: 0s
  restoreTimeout: 1h
  startTimeout: 10m
`;
    expect(read(text).defaults).toEqual({
      automatic: { compare: false },
      verifyTimeoutMs: 300_000,
      soakMs: 0,
      restart: true,
      allowUnhealthy: true,
      onFailure: { command: 'keep', timeout: 'ask' },
      askTimeoutMs: 60_000,
      timeoutMs: null,
      idleTimeoutMs: 1_800_000,
      okStatus: [
        { first: 0, last: 0 },
        { first: 100, last: 103 },
      ],
      environment: { LANG: 'C', PORT: '8080' },
      user: 33,
      group: 34,
      cwd: '/srv',
      keep: 0,
      expiresMs: null,
      waitLockMs: 30_000,
      restorePointTimeoutMs: 3_600_000,
      stopTimeoutMs: 0,
      restoreTimeoutMs: 3_600_000,
      startTimeoutMs: 600_000,
    });
  });

  test('one policy is for every cause', () => {
    expect(read('defaults: {onFailure: keep}').defaults.onFailure).toEqual({
      command: 'keep',
      unhealthy: 'keep',
      inconclusive: 'keep',
      timeout: 'keep',
    });
  });

  test.each(['', '# nothing', '---\n', 'defaults:', 'defaults:\ninstances:\n', '\ufeffdefaults: {}', 'null'])(
    'nothing is no mistake: %j',
    (text) => {
      expect(read(text)).toMatchObject({ defaults: emptyLayer, blocks: [] });
    },
  );

  test('a block with nothing in it is allowed: everything may be commented out', () => {
    expect(read('instances:\n  db:\n    # soak: 5s\n  web:\n    checks:\n').blocks.map(({ layer }) => layer)).toEqual([
      {},
      { checks: {} },
    ]);
  });

  test('aliases repeat what an anchor names', () => {
    const { blocks } = read('instances:\n  a: {checks: &c {web: {tcp: 80}}}\n  b: {checks: *c}');
    expect(blocks[0]?.layer).toEqual(blocks[1]?.layer);
  });

  test('Windows line ends are line ends', () => {
    expect(read('defaults:\r\n  soak: 5s\r\n  cwd: /srv\r\n').defaults).toEqual({ soakMs: 5000, cwd: '/srv' });
  });
});

describe('automatic as a mapping', () => {
  test.each([
    ['{ask: false}', { automatic: { ask: false } }],
    ['{compare: optional, ask: true}', { automatic: { compare: 'optional', ask: true } }],
    ['{compare: false}', { automatic: { compare: false } }],
  ])('%s', (text, expected) => {
    expect(read(`defaults: {automatic: ${text}}`).defaults).toEqual(expected);
  });
});
