import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doPage, project } from './session.ts';

/** A test that does what a page says: it must print what the page shows. */
export const testPage = (path: string, limitMs: number): void => {
  test(
    `${path} prints what it shows`,
    async () => {
      const markdown = await readFile(join(project, path), 'utf8');
      expect(await doPage(markdown, limitMs - 10_000)).toBeNull();
    },
    limitMs,
  );
};
