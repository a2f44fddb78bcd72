import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { historyPage } from '../../src/report/page/history-page.ts';
import { runPage, runsPage } from '../../src/report/page/run-page.ts';
import { axeViolations, launchBrowser, withPage, type View } from './browser.ts';
import { examplePages } from './examples.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const views: readonly View[] = [
  { width: 1440, scheme: 'light' },
  { width: 768, scheme: 'dark' },
  { width: 390, scheme: 'light' },
];
const runs = Object.values(examplePages).map(({ report: { record } }) => ({ ...record, fingerprint: null }));
const pages: readonly (readonly [string, string])[] = [
  ...['kept', 'rolled-back-300-packages', 'rollback-failed', 'hostile'].map(
    (name) => [name, runPage(examplePages[name] ?? fail())] as const,
  ),
  ['several', runsPage(Object.values(examplePages), '0.1.0')],
  ['history', historyPage({ instance: 'web', runs, version: '0.1.0' })],
  ['empty history', historyPage({ instance: null, runs: [], version: '0.1.0' })],
];

describe.each(pages)('the page %s', (_name, html) => {
  test.each(views)(
    'fits $width pixels, asks nobody for anything, and runs nothing but its own script',
    async (view) => {
      const { wider, requests, complaints, dialogs, title } = await withPage(browser, html, view, async (seen) => ({
        wider: await seen.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
        title: await seen.page.title(),
        requests: [...seen.requests],
        complaints: [...seen.complaints],
        dialogs: [...seen.dialogs],
      }));
      expect({ requests, complaints, dialogs }).toEqual({ requests: [], complaints: [], dialogs: [] });
      expect(wider).toBeLessThanOrEqual(0);
      expect(title).toContain('guard');
    },
  );

  test.each(['light', 'dark'] as const)('has nothing that axe objects to in %s colours', async (scheme) => {
    expect(await axeViolations(browser, html, { width: 1024, scheme })).toEqual([]);
  });
});

describe('a page', () => {
  const { text, commands } = { text: 'What now?', commands: 'button.copy' };

  test('is complete without JavaScript, and offers to copy commands with it', async () => {
    const html = runPage(examplePages['rolled-back-300-packages'] ?? fail());
    const visible = (javaScript: boolean) =>
      withPage(browser, html, { width: 1024, scheme: 'light', javaScript }, async ({ page }) => ({
        body: await page.locator('body').innerText(),
        buttons: await page.locator(`${commands}:visible`).count(),
      }));
    const [without, withScript] = [await visible(false), await visible(true)];
    expect(without.body).toContain(text);
    expect(without.body).toContain('unknown directive "http2_push"');
    expect(without.buttons).toBe(0);
    expect(withScript.buttons).toBeGreaterThan(0);
  });

  test('shows the deciding reason, whether the service is back, and the next command on the first screen', async () => {
    const html = runPage(examplePages['rolled-back-300-packages'] ?? fail());
    await withPage(browser, html, { width: 1440, scheme: 'light' }, async ({ page }) => {
      for (const part of [
        'nginx.service was running and has failed',
        'everything that worked before works again',
        'guard show',
      ])
        expect(await page.getByText(part).first().boundingBox()).toMatchObject({
          y: expect.toSatisfy((y: number) => y < 850),
        });
    });
  });

  test('stays below 200 KB without its evidence, whatever the instance wrote', () => {
    const sizes = Object.entries(examplePages).map(([name, page]): [string, number] => [
      name,
      Buffer.byteLength(runPage({ ...page, evidence: [] })),
    ]);
    expect(sizes.filter(([, bytes]) => bytes >= 200_000)).toEqual([]);
  });
});

function fail(): never {
  throw new Error('There is no such example.');
}
