import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commentedConfiguration, trialConfiguration, type ObservedInstance } from '../../src/config/init.ts';
import { parse, read } from './read.ts';

const seen: ObservedInstance = {
  instance: 'web01',
  schema: null,
  passing: new Set(),
  units: ['nginx.service', 'ssh.service'],
  sockets: [
    { protocol: 'tcp', address: '0.0.0.0', port: 80, process: 'nginx' },
    { protocol: 'tcp', address: '::', port: 80, process: 'nginx' },
    { protocol: 'tcp', address: '0.0.0.0', port: 443, process: null },
    { protocol: 'tcp', address: '0.0.0.0', port: 8088, process: 'caddy' },
    { protocol: 'udp', address: '0.0.0.0', port: 53, process: null },
    { protocol: 'tcp', address: '0.0.0.0', port: 53, process: null },
    { protocol: 'udp', address: '0.0.0.0', port: 68, process: 'dhclient' },
    { protocol: 'tcp', address: '127.0.0.1', port: 5432, process: 'postgres' },
    { protocol: 'tcp', address: '127.0.0.1', port: 8125, process: null },
    { protocol: 'tcp', address: '0.0.0.0', port: 22, process: 'sshd' },
    { protocol: 'tcp', address: '0.0.0.0', port: 9100, process: null },
    { protocol: 'tcp', address: '0.0.0.0', port: 40_000, process: null },
  ],
};

/** Takes the # away from every setting. */
const uncommented = (text: string): string => text.replace(/^( +)#(?=\S)/gm, '$1');

describe('a guard.yaml to begin with', () => {
  test('sets nothing', () => {
    expect(read(commentedConfiguration(seen))).toMatchObject({
      defaults: {},
      blocks: [{ pattern: 'web01', layer: {} }],
    });
  });

  test('sets the checks that pass now, without what only the user knows', () => {
    const { blocks } = read(commentedConfiguration({ ...seen, passing: new Set(['http', 'ssh']) }));
    expect(Object.keys(blocks[0]?.layer.checks ?? {}).toSorted()).toEqual(['http', 'ssh']);
    expect(blocks[0]?.layer.checks?.['http']).toMatchObject({ expectBody: null });
  });

  test('is tried with every suggested check active', () => {
    expect(Object.keys(read(trialConfiguration(seen.sockets)).defaults.checks ?? {})).toContain('http');
    expect(trialConfiguration([])).toBe('');
  });

  test('is right with everything taken out of its comments', () => {
    const { defaults, blocks } = read(uncommented(commentedConfiguration(seen)));
    expect(defaults).toMatchObject({ soakMs: 10_000, restart: true, timeoutMs: 3_600_000, keep: 3 });
    expect(blocks[0]?.layer.checks).toMatchObject({
      ssh: { kind: 'tcp', port: 22, expect: { kind: 'text', text: 'SSH-2.0' } },
      dns: { kind: 'dns', query: 'example.org' },
      http: { kind: 'http', url: 'http://{address}/' },
      https: { kind: 'http', url: 'https://{address}/', tls: { verify: false } },
      'http-8088': { kind: 'http', url: 'http://{address}:8088/' },
      postgres: { kind: 'exec', command: ['pg_isready', '--quiet'] },
      'port-9100': { kind: 'tcp', port: 9100 },
      works: { kind: 'exec' },
    });
  });

  test('suggests nothing for what nobody outside can reach', () => {
    const checks = read(uncommented(commentedConfiguration(seen))).blocks[0]?.layer.checks ?? {};
    expect(Object.keys(checks).toSorted()).toEqual(
      ['dns', 'http', 'http-8088', 'https', 'port-9100', 'postgres', 'ssh', 'works'].toSorted(),
    );
  });

  test('tells what is compared without it, and where its schema is', () => {
    const text = commentedConfiguration({ ...seen, schema: '/usr/share/guard/guard.schema.json' });
    expect(text).toMatch(/^# yaml-language-server: \$schema=\/usr\/share\/guard\/guard\.schema\.json\n/);
    expect(text).toContain('running units: nginx.service, ssh.service');
    expect(text).toContain('tcp [::]:80 (nginx)');
  });

  test('stays short', () => {
    const many = {
      ...seen,
      units: Array.from({ length: 1000 }, (_, index) => `u${index}.service`),
      sockets: Array.from({ length: 1000 }, (_, index) => ({
        protocol: 'tcp' as const,
        address: '::',
        port: index + 1,
        process: null,
      })),
    };
    expect(commentedConfiguration(many)).toContain('and 970 more');
    expect(commentedConfiguration(many).split('\n').length).toBeLessThan(120);
  });

  test('an instance is never set up by names that come from inside, whatever they are', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a\n  #checks: x', '\u2028soak: 1s', '#\r\ndefaults:'),
    );
    const sockets = fc.array(
      fc.record({
        protocol: fc.constantFrom('tcp', 'udp'),
        address: text,
        port: fc.nat(70_000),
        process: fc.option(text),
      }),
    );
    fc.assert(
      fc.property(fc.array(text), sockets, (units, sockets) => {
        const parsed = parse(commentedConfiguration({ ...seen, units, sockets }));
        expect(parsed).toMatchObject({ ok: true, value: { defaults: {}, blocks: [{ pattern: 'web01', layer: {} }] } });
      }),
    );
  });

  test.each(['prod:web01', 'a', 'null', 'true'])('%s is a key that means the instance', (instance) => {
    const name = instance.split(':').at(-1) ?? '';
    const [block] = read(commentedConfiguration({ ...seen, instance })).blocks;
    expect(block?.matches({ name, remote: instance.includes(':') ? 'prod' : null })).toBe(true);
  });
});
