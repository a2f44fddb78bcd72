import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doPage, project } from './session.ts';

/** A test that does what a page says: it must print what the page shows. */
export const testPage = (path: string, limitMs: number): void => {
  test(
    path,
    async () => {
      const markdown = await readFile(join(project, path), 'utf8');
      const difference = await doPage(markdown, limitMs - 10_000);
      // As a text, so that a failure shows both side by side.
      if (difference !== null)
        expect(`${difference.command}\n${difference.printed}`, `${path}:${difference.line}`).toBe(
          `${difference.command}\n${difference.shown}`,
        );
    },
    limitMs,
  );
};
