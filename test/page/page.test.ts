import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runPage } from '../../src/report/page/run-page.ts';
import { axeViolations, launchBrowser, show, withPage, type View } from './browser.ts';
import { exampleDocuments, examplePages } from './examples.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const views: readonly View[] = [1440, 768, 390].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => ({ width, scheme })),
);
const pages: readonly (readonly [string, string])[] = [
  ...Object.entries(examplePages).map(([name, page]) => [name, runPage(page)] as const),
  ...Object.entries(exampleDocuments),
];

describe.each(pages)('the page %s', (_name, html) => {
  test('fits every width, asks nobody for anything, and runs nothing but its own script', async () => {
    await withPage(browser, html, { width: 1024, scheme: 'light' }, async ({ page, requests, complaints, dialogs }) => {
      // What is folded must fit as well.
      await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
      for (const view of views) {
        await show(page, view);
        const tooWide = await page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - innerWidth)');
        expect({ view, tooWide, cutOff: await page.evaluate<string[]>(cutOff) }).toEqual({
          view,
          tooWide: 0,
          cutOff: [],
        });
      }
      expect(await page.title()).toContain('guard');
      expect({ requests, complaints, dialogs }).toEqual({ requests: [], complaints: [], dialogs: [] });
    });
  });

  test('has nothing that axe objects to', async () => {
    expect(await axeViolations(browser, html, views)).toEqual([]);
  });
});

/** Boxes whose content is wider than they are, and that do not scroll. */
const cutOff = `[...document.querySelectorAll('main *')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && getComputedStyle(one).display !== 'inline')
  .filter((one) => one.closest('pre, .wide, svg') === null)
  .map((one) => one.outerHTML.slice(0, 120))`;

describe('a page', () => {
  test('is complete without JavaScript, and offers to copy commands with it', async () => {
    const html = runPage(examplePages['rolled-back'] ?? fail());
    const visible = (javaScript: boolean) =>
      withPage(browser, html, { width: 1024, scheme: 'light', javaScript }, async ({ page }) => ({
        body: await page.locator('body').innerText(),
        buttons: await page.locator('button.copy:visible').count(),
      }));
    const [without, withScript] = [await visible(false), await visible(true)];
    expect(without.body).toContain('What now?');
    expect(without.body).toContain('unknown directive "http2_push"');
    expect(without.buttons).toBe(0);
    expect(withScript.buttons).toBeGreaterThan(0);
  });

  test.each([1440, 768])(
    'answers what failed, whether the service is back and what to do on the first screen of %d pixels',
    async (width) => {
      const html = runPage(examplePages['rolled-back'] ?? fail());
      const texts = [
        'unknown directive',
        'nginx.service was running, has failed',
        'Everything works as before',
        'guard rehearse web',
      ];
      await withPage(browser, html, { width, scheme: 'light' }, async ({ page }) => {
        for (const part of texts) {
          const box = await page.getByText(part).first().boundingBox();
          expect({ part, bottom: (box?.y ?? Infinity) + (box?.height ?? 0) }).toMatchObject({
            bottom: expect.toSatisfy((bottom: number) => bottom < 900),
          });
        }
      });
    },
  );

  test('can be printed whole: what is folded on the screen is on the paper', async () => {
    const html = runPage(examplePages['rolled-back'] ?? fail());
    await withPage(browser, html, { width: 1024, scheme: 'light' }, async ({ page }) => {
      await page.emulateMedia({ media: 'print' });
      expect(await page.getByText('lib299-common').isVisible()).toBe(true);
      expect(await page.locator('button.copy:visible').count()).toBe(0);
    });
  });

  test('stays below 200 KB without its evidence, whatever the instance wrote', () => {
    const sizes = [
      ...Object.entries(examplePages).map(([name, page]) => [name, runPage({ ...page, evidence: [] })] as const),
      ...Object.entries(exampleDocuments),
    ].map(([name, html]): [string, number] => [name, Buffer.byteLength(html)]);
    expect(sizes.filter(([, bytes]) => bytes >= 200_000)).toEqual([]);
  });
});

function fail(): never {
  throw new Error('There is no such example.');
}
