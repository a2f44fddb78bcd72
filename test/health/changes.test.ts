import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesBetween } from '../../src/health/changes.ts';
import type { Facts } from '../../src/health/facts.ts';
import { dead, facts, failed, owner, service, tcp, udp, units, unix } from './example-facts.ts';

const installed = (versions: Record<string, string>): Facts =>
  facts({ packages: { manager: 'dpkg', installed: versions, broken: {}, interrupted: false } });

const none = { packages: [], units: { appeared: [], gone: [] }, sockets: { appeared: [], gone: [] } };

test('packages upgraded, added and removed, sorted by name', () => {
  const changes = changesBetween(
    installed({ nginx: '1.22', zsh: '5', apt: '2' }),
    installed({ nginx: '1.26', apt: '2', bash: '5.2' }),
  );
  expect(changes.packages).toEqual([
    { name: 'bash', from: null, to: '5.2' },
    { name: 'nginx', from: '1.22', to: '1.26' },
    { name: 'zsh', from: '5', to: null },
  ]);
});

test('units and sockets that appeared and went', () => {
  const before = facts({
    units: units(service('php8.2-fpm.service'), service('ssh.service'), service('session-1.scope')),
    sockets: [tcp('0.0.0.0', 80, owner('a.service')), udp('0.0.0.0', 45_000)],
    unixSockets: [unix('/run/php/php8.2-fpm.sock')],
  });
  const after = facts({
    units: units(
      service('php8.4-fpm.service'),
      dead('ssh.service'),
      dead('idle.service'),
      dead('php8.2-fpm.service', { load: 'not-found' }),
    ),
    sockets: [tcp('127.0.0.1', 80, owner('a.service')), udp('0.0.0.0', 45_001)],
    unixSockets: [unix('/run/php/php8.4-fpm.sock')],
  });
  expect(changesBetween(before, after)).toEqual({
    packages: [],
    units: {
      appeared: ['php8.4-fpm.service'],
      gone: ['php8.2-fpm.service'],
      changed: [{ name: 'ssh.service', from: 'running', to: 'stopped' }],
    },
    sockets: {
      // What an address for all covered before is nothing new.
      appeared: ['/run/php/php8.4-fpm.sock'],
      gone: ['/run/php/php8.2-fpm.sock', 'tcp/80 at 0.0.0.0'],
    },
  });
});

test('units that failed, stopped or started, and none that comes and goes by itself', () => {
  const onDemand = { wantedBy: [], triggeredBy: ['job.timer'] };
  const before = facts({
    units: units(
      service('web.service'),
      service('old.service'),
      dead('new.service'),
      service('same.service'),
      service('job.service', onDemand),
      service('broken-job.service', onDemand),
      service('getty@tty1.service'),
    ),
  });
  const after = facts({
    units: units(
      failed('web.service'),
      dead('old.service'),
      service('new.service'),
      service('same.service'),
      dead('job.service', onDemand),
      failed('broken-job.service', onDemand),
      dead('getty@tty1.service'),
    ),
  });
  expect(changesBetween(before, after).units).toEqual({
    appeared: [],
    gone: [],
    changed: [
      { name: 'broken-job.service', from: 'running', to: 'failed' },
      { name: 'new.service', from: 'stopped', to: 'running' },
      { name: 'old.service', from: 'running', to: 'stopped' },
      { name: 'web.service', from: 'running', to: 'failed' },
    ],
  });
});

test('what is unknown on either side is left out, and named', () => {
  const full = facts({
    units: units(service('a.service')),
    sockets: [tcp('::', 1)],
    packages: installed({ a: '1' }).packages,
  });
  const unknown = facts({ units: null, sockets: null, unixSockets: null, packages: null });
  const nothingKnown = { ...none, unknown: ['packages', 'units', 'sockets'] };
  expect(changesBetween(full, unknown)).toEqual(nothingKnown);
  expect(changesBetween(unknown, full)).toEqual(nothingKnown);
});

test('a run that changed nothing says so, and forwards is the reverse of backwards', () => {
  const versions = fc.dictionary(fc.string({ maxLength: 10 }), fc.constantFrom('1', '2', '3'));
  fc.assert(
    fc.property(versions, versions, (was, is) => {
      const [before, after] = [installed(was), installed(is)];
      expect(changesBetween(before, before)).toEqual(none);
      const back = changesBetween(after, before).packages.map(({ name, from, to }) => ({ name, from: to, to: from }));
      expect(changesBetween(before, after).packages).toEqual(back);
    }),
  );
});
