import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { defaultSettings } from '../../src/config/defaults.ts';
import { settingsFor } from '../../src/config/effective-settings.ts';
import { parseConfiguration } from '../../src/config/parse.ts';

// What the packages install as /etc/guard/guard.yaml.

const folder = resolve(import.meta.dirname, '../../packaging/debian');
const text = await readFile(resolve(folder, 'guard.yaml'), 'utf8');

const settingsIn = (configuration: string) => {
  const parsed = parseConfiguration({ path: '/etc/guard/guard.yaml', bytes: Buffer.from(configuration) });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, null, 2));
  return settingsFor(parsed.value, { name: 'web-1', remote: null }, {}, defaultSettings);
};

test('it sets nothing', () => {
  expect(settingsIn(text)).toEqual(defaultSettings);
});

test('what it shows are the defaults: with every # removed, nothing changes but the example', () => {
  const uncommented = text.replace(/^( +)#(?! )/gm, '$1');
  expect(uncommented).toMatch(/^ {2}soak: \w+$/m);
  expect(settingsIn(uncommented)).toEqual({ ...defaultSettings, restart: true });
});

const shellcheck = await execa('shellcheck', ['--version'], { reject: false });

test.skipIf(shellcheck.failed)('the scripts of the packages pass shellcheck', async () => {
  const scripts = ['build.sh', 'postinst', 'prerm', 'postrm'].map((name) => resolve(folder, name));
  expect((await execa('shellcheck', scripts, { reject: false })).stdout).toBe('');
});
