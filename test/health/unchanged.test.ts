import { describe, expect, test } from 'vitest';
import { differencesBetween } from '../../src/health/unchanged.ts';
import type { Facts } from '../../src/health/facts.ts';
import { facts, process, service } from './example-facts.ts';

const quiet: Partial<Facts> = {
  units: { 'a.service': service('a.service') },
  unitFiles: ['a.service'],
  processes: [process('a', 100, { ageMs: 60_000 })],
  sockets: [
    { protocol: 'tcp', address: '0.0.0.0', port: 80, v6only: null, owner: { process: 'a', unit: 'a.service' } },
  ],
  packages: { manager: 'dpkg', installed: { a: '1' }, broken: {}, interrupted: false },
  configuration: { signatures: { '/etc/a.conf': '1 1' }, listenLines: {}, references: {}, zones: [] },
  answers: [],
};
const passed = { name: 'c', severity: 'required', status: 'passed', message: '', ms: 1 } as const;

const differences = (changes: Partial<Facts>, checks = [passed]): string[] =>
  differencesBetween({ facts: facts(quiet), checks: [passed] }, { facts: facts({ ...quiet, ...changes }), checks });

test('the same again differs in nothing', () => {
  expect(differences({})).toEqual([]);
});

describe('each of these is a difference', () => {
  test.each<[string, Partial<Facts>]>([
    ['the boot', { init: { name: 'systemd', startTicks: 2000 } }],
    ['units', { units: { 'a.service': service('a.service', { mainPid: 200, invocation: 'another' }) } }],
    ['units', { units: { 'a.service': service('a.service', { active: 'inactive', sub: 'dead' }) } }],
    ['unit files', { unitFiles: ['a.service', 'b.service'] }],
    ['processes', { processes: [] }],
    ['processes', { processes: [process('a', 100, { startTicks: 999, ageMs: 60_000 })] }],
    ['sockets', { sockets: [] }],
    ['packages', { packages: { manager: 'dpkg', installed: { a: '2' }, broken: {}, interrupted: false } }],
    ['packages', { packages: { manager: 'dpkg', installed: { a: '1' }, broken: { a: 'half' }, interrupted: false } }],
    [
      'files below /etc',
      { configuration: { signatures: { '/etc/a.conf': '1 2' }, listenLines: {}, references: {}, zones: [] } },
    ],
    ['packages (could not be read)', { packages: null }],
    ['sockets (could not be read)', { sockets: null }],
    ['files below /etc (could not be read)', { configuration: null }],
  ])('%s', (name, changes) => {
    expect(differences(changes)).toEqual([name]);
  });

  test('a check with another answer', () => {
    expect(differences({}, [{ ...passed, status: 'failed' } as unknown as typeof passed])).toEqual(['checks']);
  });

  test('an inside that cannot be seen', () => {
    const seen = { facts: facts(quiet), checks: [] };
    expect(differencesBetween(seen, { facts: null, checks: [] })).toEqual(['the inside could not be seen']);
  });
});

describe('each of these is none', () => {
  test.each<[string, Partial<Facts>]>([
    [
      'a login that comes and goes',
      { units: { ...quiet.units, 'session-1.scope': service('session-1.scope', { transient: true }) } },
    ],
    ['a new short-lived process', { processes: [...(quiet.processes ?? []), process('cron', 300, { ageMs: 10 })] }],
    [
      'the port of a client',
      {
        sockets: [
          ...(quiet.sockets ?? []),
          { protocol: 'udp', address: '0.0.0.0', port: 40_000, v6only: null, owner: null },
        ],
      },
    ],
  ])('%s', (_name, changes) => {
    expect(differences(changes)).toEqual([]);
  });
});
