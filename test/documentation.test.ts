import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

// Every relative link of the documentation leads to a file that exists, and to a heading that is in it.

const project = resolve(import.meta.dirname, '..');

const markdown = async (folder: string): Promise<string[]> =>
  (await readdir(join(project, folder), { recursive: true }))
    .filter((path) => path.endsWith('.md') && !path.includes('fixtures'))
    .map((path) => join(folder, path));

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...(await markdown('docs')),
  ...(await markdown('test')),
].toSorted();

const texts = new Map(
  await Promise.all(pages.map(async (page) => [page, await readFile(join(project, page), 'utf8')] as const)),
);

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

const linksOf = (page: string): string[] =>
  [...withoutCode(texts.get(page) ?? '').matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target));

/** As GitHub makes them of headings. */
const anchorsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

const isBroken = (page: string, target: string): boolean => {
  const [path = '', anchor] = target.split('#');
  const found = path === '' ? page : relative(project, resolve(project, dirname(page), path));
  if (path !== '' && !existsSync(join(project, found))) return true;
  return anchor !== undefined && !anchorsOf(texts.get(found) ?? '').includes(anchor);
};

describe('links', () => {
  test.each(pages)('%s', (page) => {
    expect(linksOf(page).filter((target) => isBroken(page, target))).toEqual([]);
  });

  test('a broken one is seen', () => {
    expect(isBroken('README.md', 'docs/nothing.md')).toBe(true);
    expect(isBroken('README.md', 'ARCHITECTURE.md#nothing')).toBe(true);
    expect(isBroken('README.md', 'ARCHITECTURE.md#decisions')).toBe(false);
  });

  test('every page of docs/ can be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const page of reached)
      for (const target of linksOf(page)) {
        const path = target.split('#')[0] ?? '';
        const found = relative(project, resolve(project, dirname(page), path));
        if (path !== '' && texts.has(found)) reached.add(found);
      }
    expect(pages.filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([]);
  });
});

test('comments point to sections of the internals that exist', async () => {
  const sources = (await readdir(join(project, 'src'), { recursive: true })).filter((path) => path.endsWith('.ts'));
  const headings = [...(texts.get('docs/internals/incus.md') ?? '').matchAll(/^## (.*)$/gm)].map((match) => match[1]);
  const pointers = await Promise.all(
    sources.map(async (path) =>
      [...(await readFile(join(project, 'src', path), 'utf8')).matchAll(/internals\/incus\.md, ([^).;]+)/g)].map(
        ([, section = '']) => ({ path, section: section.replace(/\s*\n\s*(\*|\/\/)?\s*/g, ' ') }),
      ),
    ),
  );
  expect(pointers.flat().length).toBeGreaterThan(0);
  expect(pointers.flat().filter(({ section }) => !headings.includes(section))).toEqual([]);
});
