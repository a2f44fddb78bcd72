import { describe, expect, test } from 'vitest';
import { parseSimulation } from '../../../src/run/packages/simulation-output.ts';

describe('apt', () => {
  test('what it would install, upgrade and remove', () => {
    const text = [
      'NOTE: This is only a simulation!',
      'Reading package lists...',
      'Remv old [1.0-1]',
      'Inst libc6 [2.36-9] (2.36-10 Debian:12.9/stable [amd64]) [libc-bin:amd64 ]',
      'Inst new (1:2.0~x Debian:12.9/stable [all])',
      'Conf libc6 (2.36-10 Debian:12.9/stable [amd64])',
    ].join('\n');
    expect(parseSimulation('apt', 0, text)).toEqual([
      { name: 'old', from: '1.0-1', to: null },
      { name: 'libc6', from: '2.36-9', to: '2.36-10' },
      { name: 'new', from: null, to: '1:2.0~x' },
    ]);
  });

  test('nothing, and no answer', () => {
    expect(parseSimulation('apt', 0, '0 upgraded')).toEqual([]);
    expect(parseSimulation('apt', 100, 'E: Unable to locate package x')).toBeNull();
  });
});

describe('dnf', () => {
  const table = `
Dependencies resolved.
================================================================================
 Package          Architecture   Version                 Repository        Size
================================================================================
Upgrading:
 bash             x86_64         5.2.26-4.fc40           updates          1.8 M
Installing dependencies:
 libnew           noarch         1:1.0-1                 updates           12 k
Removing:
 old              x86_64         2.0-1                   @System          1.0 k

Transaction Summary
================================================================================
Upgrade  1 Package
Operation aborted.
`;

  test('its table', () => {
    expect(parseSimulation('dnf', 1, table)).toEqual([
      { name: 'bash', from: null, to: '5.2.26-4.fc40' },
      { name: 'libnew', from: null, to: '1:1.0-1' },
      { name: 'old', from: null, to: null },
    ]);
  });

  test('nothing, and no answer', () => {
    expect(parseSimulation('dnf', 0, 'Dependencies resolved.\nNothing to do.\nComplete!\n')).toEqual([]);
    expect(parseSimulation('dnf', 1, 'Error: Cache-only enabled but no cache for repository')).toBeNull();
  });
});

describe('zypper', () => {
  test('its summary', () => {
    const text = `<?xml version='1.0'?>
<stream>
<install-summary download-size="1" packages-to-change="2">
<to-upgrade>
<solvable type="package" name="bash" edition="5.1-2" arch="x86_64" edition-old="5.1-1" repository="up"/>
<solvable type="patch" name="up-1" edition="1"/>
</to-upgrade>
<to-install><solvable type="package" name="new" edition="1" arch="noarch"/></to-install>
<to-remove><solvable type="package" name="old" edition="3" arch="noarch"/></to-remove>
</install-summary>
</stream>`;
    expect(parseSimulation('zypper', 0, text)).toEqual([
      { name: 'bash', from: '5.1-1', to: '5.1-2' },
      { name: 'new', from: null, to: '1' },
      { name: 'old', from: '3', to: null },
    ]);
  });

  test('nothing, and no answer', () => {
    expect(parseSimulation('zypper', 0, '<stream><message type="info">Nothing to do.</message></stream>')).toEqual([]);
    expect(
      parseSimulation('zypper', 5, '<stream><message type="error">Root privileges are required</message></stream>'),
    ).toBeNull();
  });
});
