import { expect, test } from 'vitest';
import { comparesNothing, coverageOf, coverageText } from '../../src/health/coverage.ts';
import { facts, process, service } from './example-facts.ts';

test('what is compared, with its number', () => {
  const seen = facts({
    units: { 'a.service': service('a.service'), 'b.service': service('b.service') },
    packages: { manager: 'dpkg', installed: { a: '1' }, broken: {}, interrupted: false },
    processes: [process('a', 1)],
  });
  expect(coverageText(coverageOf(seen))).toBe('compared: 2 units, 1 package (dpkg), 1 process, addresses');
});

test('what cannot be compared is named', () => {
  const busybox = facts({
    manager: { kind: 'none' },
    units: null,
    packages: { manager: 'none', installed: {}, broken: {}, interrupted: false },
    processes: [process('init', 1), process('httpd', 2)],
    sockets: null,
  });
  expect(coverageText(coverageOf(busybox))).toBe(
    'no service manager, no package manager, the listening sockets could not be read; compared: 2 processes, addresses',
  );
  expect(comparesNothing(busybox)).toBe(false);
});

test('nothing at all', () => {
  const nothing = facts({
    manager: { kind: 'none' },
    units: null,
    packages: { manager: 'none', installed: {}, broken: {}, interrupted: false },
    network: null,
    configuration: null,
  });
  expect(comparesNothing(nothing)).toBe(true);
  expect(comparesNothing(null)).toBe(true);
  expect(coverageText(coverageOf(null))).toBe('the state inside could not be read; compared: nothing');
});
