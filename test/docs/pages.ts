import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withFigures } from '../../docs/generator/figures.ts';
import { doPage, project } from './session.ts';

const figuresFile = join(project, 'docs/figures.json');

/**
 * A test that does what a page says: it must print what the page shows. With GUARD_DOCS_WRITE the times that it took are
 * written to the page and to docs/figures.json, which `npm run docs -- --check` compares with the page.
 */
export const testPage = (path: string, limitMs: number): void => {
  test(
    `${path} prints what it shows`,
    async () => {
      const markdown = await readFile(join(project, path), 'utf8');
      const { difference, figures } = await doPage(markdown, limitMs - 10_000);
      expect(difference).toBeNull();
      if (process.env['GUARD_DOCS_WRITE'] === undefined) return;
      const known = JSON.parse(await readFile(figuresFile, 'utf8')) as Record<string, readonly string[]>;
      const all = Object.entries({ ...known, [path]: figures }).filter(([, times]) => times.length > 0);
      const sorted = Object.fromEntries(all.toSorted(([one], [other]) => (one < other ? -1 : 1)));
      await writeFile(figuresFile, `${JSON.stringify(sorted, null, 2)}\n`);
      await writeFile(join(project, path), withFigures(markdown, figures));
    },
    limitMs,
  );
};
