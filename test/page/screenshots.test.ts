import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { runPage } from '../../src/report/page/run-page.ts';
import { launchBrowser, withPage, type View } from './browser.ts';
import { exampleDocuments, examplePages } from './examples.ts';

// The screenshots of README and docs. `npm run screenshots` writes them; without it the test tells which are out of date.

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'docs/images');
/** What each screenshot was made from. */
const digestFile = join(folder, 'screenshots.json');

interface Screenshot extends View {
  readonly html: string;
  /** How much of the page is shown, in pixels. */
  readonly height: number;
}

function pageOf(name: string): string {
  const page = examplePages[name];
  const html = page === undefined ? exampleDocuments[name] : runPage(page);
  if (html === undefined) throw new Error(`There is no example "${name}".`);
  return html;
}

const wide = { width: 1000, scheme: 'light' } as const;
const screenshots: Readonly<Record<string, Screenshot>> = {
  'rolled-back': { ...wide, html: pageOf('rolled-back'), height: 715 },
  kept: { ...wide, html: pageOf('kept'), height: 660 },
  'rollback-failed': { ...wide, html: pageOf('rollback-failed'), height: 620 },
  'rehearsal-failed': { ...wide, html: pageOf('rehearsal-failed'), height: 860 },
  rollout: { ...wide, html: pageOf('rollout'), height: 1000 },
  history: { ...wide, html: pageOf('history'), height: 800 },
  phone: { html: pageOf('rolled-back'), width: 390, scheme: 'dark', height: 844 },
};

/** The largest file, in bytes. */
const mostBytes = 60_000;

function digestOf(screenshot: Screenshot): string {
  return createHash('sha256').update(JSON.stringify(screenshot)).digest('hex');
}

async function writeScreenshots(): Promise<void> {
  const browser = await launchBrowser();
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, screenshot] of Object.entries(screenshots)) {
      const { html, height, width } = screenshot;
      await withPage(browser, html, screenshot, async ({ page }) => {
        await page.setViewportSize({ width, height });
        const png = await page.screenshot();
        await writeFile(join(folder, `${name}.webp`), await toWebp(browser, png));
      });
    }
  } finally {
    await browser.close();
  }
  const digests = Object.fromEntries(Object.entries(screenshots).map(([name, one]) => [name, digestOf(one)]));
  await writeFile(digestFile, `${JSON.stringify(digests, null, 2)}\n`);
}

/** A third of the bytes of the PNG. Playwright itself writes no WebP, and a page's own policy admits no script that would. */
async function toWebp(browser: Browser, png: Buffer): Promise<Buffer> {
  const page = await browser.newPage();
  try {
    const url = await page.evaluate<string>(`(async () => {
      const image = new Image();
      image.src = 'data:image/png;base64,${png.toString('base64')}';
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      canvas.getContext('2d').drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', 0.75);
    })()`);
    return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  } finally {
    await page.close();
  }
}

describe('the screenshots', () => {
  beforeAll(async () => {
    if (process.env['GUARD_SCREENSHOTS'] === 'write') await writeScreenshots();
  });

  test('are of the pages as they are now: else run npm run screenshots', async () => {
    const digests = Object.fromEntries(Object.entries(screenshots).map(([name, one]) => [name, digestOf(one)]));
    expect(JSON.parse(await readFile(digestFile, 'utf8'))).toEqual(digests);
    const files = await readdir(folder);
    expect(files.toSorted()).toEqual(
      [...Object.keys(screenshots).map((name) => `${name}.webp`), 'screenshots.json'].toSorted(),
    );
  });

  test('are small, and each is shown in README or docs', async () => {
    const text = `${await readFile(join(root, 'README.md'), 'utf8')}${await readFile(join(root, 'docs/how-to/page.md'), 'utf8')}`;
    const wrong: string[] = [];
    for (const name of Object.keys(screenshots)) {
      const { size } = await stat(join(folder, `${name}.webp`));
      if (size > mostBytes) wrong.push(`${name} has ${size} bytes`);
      if (!text.includes(`images/${name}.webp`)) wrong.push(`${name} is not shown`);
    }
    expect(wrong).toEqual([]);
  });
});
