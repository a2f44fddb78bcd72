import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const source = resolve(import.meta.dirname, '../../src');

/** Packages that come with a module at once, without any `import()`. */
const packagesOf = async (path: string, seen = new Set<string>()): Promise<Set<string>> => {
  if (seen.has(path)) return new Set();
  seen.add(path);
  const packages = new Set<string>();
  for (const [, name = ''] of (await readFile(path, 'utf8')).matchAll(/^import (?!type)[\s\S]*?from '([^']+)';$/gm)) {
    if (!name.startsWith('.')) packages.add(name);
    else for (const other of await packagesOf(join(dirname(path), name), seen)) packages.add(other);
  }
  return packages;
};

test.each(['load', 'find', 'effective-settings', 'defaults', 'mistake', 'window', 'init'])(
  'config/%s.ts is there without the libraries that read a file',
  async (name) => {
    const packages = await packagesOf(join(source, 'config', `${name}.ts`));
    expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual([]);
  },
);

test('which are there as soon as one is read', async () => {
  expect(await packagesOf(join(source, 'config/parse.ts'))).toEqual(
    new Set(['node:path', 'picomatch', 'yaml', 'zod/mini']),
  );
});
