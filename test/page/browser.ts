import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** What a page did in a real browser. */
export interface Seen {
  readonly page: Page;
  /** Everything that it asked for beside itself: must stay empty. */
  readonly requests: readonly string[];
  /** What it complained of, violations of its own policy among them. */
  readonly complaints: readonly string[];
  /** Dialogs that scripts opened. */
  readonly dialogs: readonly string[];
}

export interface View {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  readonly javaScript?: boolean;
}

/** Debian's Chromium, without requests of its own. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens a page from a file, as somebody who was sent it, and gives what it did to `use`. */
export async function withPage<T>(
  browser: Browser,
  html: string,
  { width, scheme, javaScript = true }: View,
  use: (seen: Seen) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-page-'));
  const file = join(folder, 'page.html');
  await writeFile(file, html);
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    javaScriptEnabled: javaScript,
  });
  const requests: string[] = [];
  const complaints: string[] = [];
  const dialogs: string[] = [];
  try {
    const page = await context.newPage();
    page.on('request', (request) => {
      if (request.url() !== `file://${file}`) requests.push(request.url());
    });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(`file://${file}`);
    return await use({ page, requests, complaints, dialogs });
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Shows the page that is open at another width and in other colours. */
export async function show(page: Page, { width, scheme }: View): Promise<void> {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme });
}

/** What axe finds in each view, each as `width scheme rule: element`. It is run past the page's policy, which admits no script but its own. */
export async function axeViolations(browser: Browser, html: string, views: readonly View[]): Promise<string[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const open = html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
  return withPage(browser, open, views[0] ?? { width: 1024, scheme: 'light' }, async ({ page }) => {
    await page.addScriptTag({ content: axe });
    const found: string[] = [];
    for (const view of views) {
      await show(page, view);
      const violations = await page.evaluate(async () => {
        const { axe: loaded } = globalThis as unknown as {
          axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        };
        const { violations: all } = await loaded.run();
        return all.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
      });
      found.push(...violations.map((one) => `${view.width} ${view.scheme} ${one}`));
    }
    return found;
  });
}
