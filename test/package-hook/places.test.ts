import { describe, expect, test } from 'vitest';
import { foldersMade } from '../../src/package-hook/hook-settings.ts';
import { pathBeside, isAbove } from '../../src/package-hook/places.ts';

const plugin = '/usr/lib/python3*/*-packages/dnf-plugins/guard.py';

describe('the places of the hook inside', () => {
  test('a part lies beside the sign of its manager', () => {
    expect(pathBeside(plugin, '/usr/lib/python3.11/site-packages/dnf/const.py')).toBe(
      '/usr/lib/python3.11/site-packages/dnf-plugins/guard.py',
    );
    expect(pathBeside('/etc/guard/hook.conf', '/usr/bin/zypper')).toBe('/etc/guard/hook.conf');
  });

  test.each([
    ['/usr/lib/python3/dist-packages/dnf-plugins', true],
    ['/usr/lib/python3.6/site-packages', true],
    ['/usr/lib/python2/dist-packages/dnf-plugins', false],
    ['/usr/lib/python3/dist-packages/dnf-plugins/guard.py', false],
    ['/usr/lib/python3/x/dnf-plugins', false],
  ])('whether %s is above it: %s', (folder, expected) => {
    expect(isAbove(folder, plugin)).toBe(expected);
  });

  test('only folders that a part can lie in are taken for ones that guard made, whatever root inside has written', () => {
    const text = 'made=/usr/lib/python3/dist-packages/dnf-plugins\nmade=/etc/guard\nmade=/home\nmade=/etc/guard/..\n';
    expect(foldersMade(text, [plugin, '/etc/guard/hook.conf'])).toEqual([
      '/usr/lib/python3/dist-packages/dnf-plugins',
      '/etc/guard',
    ]);
  });
});
