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
