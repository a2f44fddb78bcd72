import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

// The pages about operation name what the code says and reads.

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const sources = (
  await Promise.all(
    ['src', 'action'].map(async (folder) => {
      const files = await readdir(join(root, folder), { recursive: true });
      return Promise.all(files.filter((path) => /\.(ts|mjs)$/.test(path)).map((path) => read(join(folder, path))));
    }),
  )
)
  .flat()
  .join('\n');

test('every message that troubleshooting explains is one of guard', async () => {
  const headings = [...(await read('docs/troubleshooting.md')).matchAll(/^### (.+)$/gm)].map(([, text = '']) => text);
  expect(headings.length).toBeGreaterThan(15);
  const text = sources.toLowerCase();
  const unknown = headings.filter(
    (heading) =>
      !heading
        .split('…')
        .map((part) => part.trim().toLowerCase())
        .every((part) => text.includes(part)),
  );
  expect(unknown).toEqual([]);
});

test('every variable that guard reads is documented', async () => {
  const names = [...sources.matchAll(/(?:environment|\benv|process\.env)(?:\[|\.get\()'([A-Z][A-Z_]+)'/g)].map(
    ([, name = '']) => name,
  );
  const page = await read('docs/files.md');
  expect(new Set(names).size).toBeGreaterThan(15);
  expect([...new Set(names)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('every step that the install page names is a file of a release', async () => {
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  const page = await read('docs/install.md');
  for (const name of [`guard-static_${version}_amd64.deb`, `incus-guard-${version}.tgz`, 'guard-linux-x64'])
    expect(page).toContain(name);
  expect(await read('README.md')).toContain(`guard-static_${version}_amd64.deb`);
});
