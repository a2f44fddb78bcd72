import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Answer } from '../../../src/health/facts.ts';
import { rememberAnswers } from '../../../src/health/protocols/memory.ts';
import { askFurtherPages, filesOfFirstPage, type KnownPages } from '../../../src/health/protocols/pages.ts';
import { deciding, facts, owner, tcp } from '../example-facts.ts';

const nginx = owner('nginx.service', 'nginx');
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that has these pages; `host/path` goes before `path`. What it was asked is in `requests`. */
async function site(pages: Record<string, number | string>, types: Record<string, string> = {}) {
  const requests: string[] = [];
  const server = createServer((request, response: ServerResponse) => {
    requests.push(`${request.headers.host?.replace(/:.*/, '') ?? ''}${request.url ?? ''}`);
    const page = pages[`${request.headers.host ?? ''}${request.url ?? ''}`] ?? pages[request.url ?? ''] ?? 404;
    const type = types[request.url ?? ''];
    if (type !== undefined) response.setHeader('content-type', type);
    if (typeof page === 'number') response.writeHead(page).end();
    else response.end(page);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (asked: Partial<KnownPages>): Promise<Answer[]> =>
    askFurtherPages(
      [tcp('0.0.0.0', port, nginx)],
      '127.0.0.1',
      { paths: [], sites: [], known: null, ...asked },
      {
        clock: systemClock,
        signal: undefined,
        remembering: rememberAnswers(systemClock),
      },
    );
  return { ask, requests, pages, port };
}

const saidOf = (answers: readonly Answer[]): Record<string, string | null> =>
  Object.fromEntries(answers.map(({ question, said }) => [question, said]));

describe('further pages', () => {
  test('those that are there are in the baseline, others are not', async () => {
    const { ask } = await site({ '/api/': 403, '/status': 200, '/broken': 502 });
    expect(saidOf(await ask({ paths: ['/api/', '/status', '/broken', '/gone'] }))).toEqual({
      '/api/': '403',
      '/status': '200',
    });
  });

  test('a path that only one site has is requested by the name of that site', async () => {
    const { ask } = await site({ 'shop.example/cart': 200 });
    expect(saidOf(await ask({ paths: ['/cart'], sites: ['www.example', 'shop.example'] }))).toEqual({
      '//shop.example/cart': '200',
    });
  });

  test('afterwards the same is requested, and nothing else', async () => {
    const { ask, requests, pages } = await site({ '/api/': 200 });
    const known = await ask({ paths: ['/api/', '/other'] });
    pages['/api/'] = 404;
    requests.length = 0;
    expect(saidOf(await ask({ paths: ['/new'], known }))).toEqual({ '/api/': '404' });
    expect(requests).toEqual(['127.0.0.1/api/']);
  });

  test('a server that is down is not asked for page after page', async () => {
    const { ask, pages, requests } = await site({ '/a': 200, '/b': 200, '/c': 200 });
    const known = await ask({ paths: ['/a', '/b', '/c'] });
    for (const path of Object.keys(pages)) pages[path] = 503;
    requests.length = 0;
    expect(saidOf(await ask({ known }))).toEqual({ '/a': '503' });
    expect(requests).toEqual(['127.0.0.1/a', '127.0.0.1/a']);
  });

  test('a server that limits requests is asked again', async () => {
    const { ask, pages, requests } = await site({ '/api/': 503 });
    const asked = ask({ paths: ['/api/'] });
    await expect.poll(() => requests.length).toBe(2);
    pages['/api/'] = 200;
    expect(saidOf(await asked)).toEqual({ '/api/': '200' });
  });
});

describe('files of the first page', () => {
  const page = `<html><head><link rel="stylesheet" href="/main.css"><link rel=canonical href="/other">
    <script src=app.js></script></head><a href="/logout">x</a><img src="https://cdn.example/logo.png"></html>`;

  test('its scripts, style sheets and pictures are loaded, and no links are followed', async () => {
    const { ask, requests } = await site({ '/': page, '/main.css': 200, '/app.js': 200 });
    expect(saidOf(await ask({}))).toEqual({ [filesOfFirstPage]: 'complete' });
    expect(requests).toEqual(['127.0.0.1/', '127.0.0.1/main.css', '127.0.0.1/app.js']);
  });

  test('one is missing', async () => {
    const { ask } = await site({ '/': page, '/main.css': 200 });
    expect(saidOf(await ask({}))).toEqual({ [filesOfFirstPage]: 'missing /app.js (404)' });
  });

  test.each([
    [
      { '/main.css': 'application/octet-stream' },
      'missing /main.css (sent as application/octet-stream, which browsers refuse)',
    ],
    [{ '/app.js': 'text/html; charset=utf-8' }, 'missing /app.js (sent as text/html, which browsers refuse)'],
    [{ '/main.css': 'text/css; charset=utf-8', '/app.js': 'application/octet-stream' }, 'complete'],
  ])('one comes with another media type: %o', async (types: Record<string, string>, said) => {
    const { ask } = await site({ '/': page, '/main.css': 200, '/app.js': 200 }, types);
    expect(saidOf(await ask({}))).toEqual({ [filesOfFirstPage]: said });
  });

  test.each([
    ['what a program in the browser fills in', '<img src="{{logo}}"><template><img src="/x.png"></template>'],
    ['comments, and the text of programs', '<!-- <img src="/x.png"> --><script>a = "<img src=/x.png>"</script>'],
    ['what is loaded later', '<img data-src="/x.png">'],
    ['what may have an effect', '<img src="/cron.php"><script src="/api/reset"></script>'],
  ])('not %s', async (_what, text) => {
    const { ask, requests } = await site({ '/': text });
    expect(await ask({})).toEqual([]);
    expect(requests).toEqual(['127.0.0.1/']);
  });

  test('links are relative to the base of the page', async () => {
    const { ask } = await site({ '/': '<base href="/ui/"><script src="app.js"></script>', '/ui/app.js': 200 });
    expect(saidOf(await ask({}))).toEqual({ [filesOfFirstPage]: 'complete' });
  });

  test('a page without any has none', async () => {
    const { ask } = await site({ '/': '<p>hello</p>' });
    expect(await ask({})).toEqual([]);
  });
});

describe('what a change of them means', () => {
  const answered = (question: string, said: string) =>
    facts({ sockets: [tcp('0.0.0.0', 80, nginx)], answers: [{ protocol: 'http', port: 'tcp/80', question, said }] });
  const changed = (question: string, before: string, after: string): string[] =>
    deciding(compareFacts(answered(question, before), answered(question, after)));

  test.each([
    ['/api/status', '200', '404'],
    ['/api/', '403', '404'],
    ['//shop.example/cart', '200', '502'],
    ['/api/', '401', '500'],
    [filesOfFirstPage, 'complete', 'missing /app.js (404)'],
  ])('%s: %s, then %s decides', (question, before, after) => {
    expect(changed(question, before, after)).toHaveLength(1);
  });

  test.each([
    ['/api/', '403', '401'],
    ['/', '403', '404'],
    ['/api/', '200', '301 > 200'],
    [filesOfFirstPage, 'missing /a.js (404)', 'missing /b.js (404)'],
  ])('%s: %s, then %s does not', (question, before, after) => {
    expect(changed(question, before, after)).toEqual([]);
  });
});
