import type { Answer, Socket } from '../facts.ts';
import { mayHaveEffect } from './effect.ts';
import { ownTarget, requestPage, speaksHttp, type PageRequest, type RequestedPage } from './http.ts';
import type { Questions } from './memory.ts';

/** What is known of the pages of an instance before they are requested. */
export interface KnownPages {
  /** Paths beyond the first page. */
  readonly paths: readonly string[];
  /** Names of sites. */
  readonly sites: readonly string[];
  /** Replies of the baseline: the same is requested again. Null in the baseline itself. */
  readonly known: readonly Answer[] | null;
}

/**
 * Requests pages beyond the first one: paths that the web server is configured for or that clients requested lately, and the files that a browser
 * loads by itself with the first page. The baseline finds out under which site's name a path has a page. One request at a time for each port: more of
 * them at once could meet a limit of the server.
 */
export async function askFurtherPages(
  sockets: readonly Socket[],
  address: string,
  pages: KnownPages,
  questions: Questions,
): Promise<Answer[]> {
  const ports = [...new Set(sockets.filter(speaksHttp).map(({ port }) => port))].slice(0, mostPorts);
  const answers = await Promise.all(ports.map((port) => askPort(port, address, pages, questions)));
  return answers.flat();
}

const mostPorts = 4;

/** The question about the files of the first page. */
export const filesOfFirstPage = 'files of /';

/** Further pages have paths of their own, as `/api/status` and `//shop.example/api/status`. */
export function isFurtherPage({ protocol, question }: Answer): boolean {
  return protocol === 'http' && /^(\/\/[^/]+)?\/[^/]/.test(question) && !/^\/[a-z]{1,20}\.php$/.test(question);
}

async function askPort(port: number, address: string, pages: KnownPages, questions: Questions): Promise<Answer[]> {
  const own = new Set([address, ...pages.sites]);
  const first: PageRequest = { address, port, path: '/', secure: port === 443 || port === 8443, host: null };
  const answer = (question: string, said: string | null): Answer => ({
    protocol: 'http',
    port: `tcp/${port}`,
    question,
    said,
  });
  const request = (path: string): Promise<string | null> =>
    questions.remembering(
      `${address} ${port} ${path}`,
      async () => (await requestPatiently({ ...first, path }, own, questions)).said,
    );

  const answers: Answer[] = [];
  const before = pages.known?.filter((one) => one.port === `tcp/${port}`) ?? null;
  if (before === null || before.some(({ question }) => question === filesOfFirstPage)) {
    const said = await questions.remembering(`${address} ${port} ${filesOfFirstPage}`, () =>
      requestFiles(first, own, questions),
    );
    if (said !== null) answers.push(answer(filesOfFirstPage, said));
  }
  for (const { question } of before?.filter(isFurtherPage) ?? []) {
    const said = await request(question);
    answers.push(answer(question, said));
    // The others would take their time as well, and the verdict waits.
    if (isDown(said)) return answers;
  }
  if (before !== null) return answers;
  const endsAt = questions.clock.monotonic() + mostBaselineMs;
  for (const path of pages.paths) {
    for (const question of [path, ...pages.sites.slice(0, mostSites).map((site) => `//${site}${path}`)]) {
      const began = questions.clock.monotonic();
      if (began > endsAt) return answers;
      const said = await request(question);
      // Nothing waits that long for a page of which only its presence matters.
      if (questions.clock.monotonic() - began > slowPageMs) break;
      if (said === null || isDown(said) || /(^|> )(404|410|5\d\d|nobody)$/.test(said)) continue;
      answers.push(answer(question, said));
      break;
    }
  }
  return answers;
}

/** Whether the server, and not only the page, does not answer. */
function isDown(said: string | null): boolean {
  return said === null || /(unreachable|429|503)$/.test(said);
}

/** Milliseconds for the search for pages on one port. */
const mostBaselineMs = 4000;

const mostSites = 3;

const slowPageMs = 1500;

/** A server with a limit of requests in a time says 429 or 503 to guard, and not to its clients. */
async function requestPatiently(
  request: PageRequest,
  own: ReadonlySet<string>,
  questions: Questions,
): Promise<RequestedPage> {
  const page = await requestPage(request, own, questions);
  if (page.said === null || !/(429|503)$/.test(page.said)) return page;
  await questions.clock.sleep(1100, questions.signal);
  return requestPage(request, own, questions);
}

/** A style sheet of another media type is refused; so is a page in the place of a script, which a server sends for paths that it does not know. */
function isRefused(path: string, type: string): boolean {
  const [, extension] = /\.(css|m?js)(\?|$)/.exec(path) ?? [];
  if (extension === undefined || type === '') return false;
  return extension === 'css' ? type !== 'text/css' : type === 'text/html';
}

/** Returns `complete`, or names the first missing file. Null if there is no first page, or if it loads no files. */
async function requestFiles(
  first: PageRequest,
  own: ReadonlySet<string>,
  questions: Questions,
): Promise<string | null> {
  const page = await requestPage(first, own, questions, { bytes: mostOfPage });
  if (page.said === null || !page.said.endsWith('200')) return null;
  const { links, base } = filesIn(page.text);
  const from = base === null ? page.request : (ownTarget(base, page.request, own) ?? null);
  if (from === null) return null;
  const files = links
    .flatMap((link) => ownTarget(link, from, own) ?? [])
    .filter(({ path }) => !mayHaveEffect(path))
    .slice(0, mostFiles);
  for (const file of files) {
    const { said, type } = await requestPatiently(file, own, questions);
    if (said === null || !/[23]\d\d$/.test(said)) return `missing ${file.path} (${said ?? 'no reply'})`;
    if (isRefused(file.path, type)) return `missing ${file.path} (sent as ${type}, which browsers refuse)`;
  }
  return files.length === 0 ? null : 'complete';
}

/** Bytes of the first page that are read. */
const mostOfPage = 65_536;

const mostFiles = 6;

/** The links of a page that a browser follows by itself: its scripts, style sheets and pictures; and what they are relative to. */
function filesIn(page: string): { readonly links: readonly string[]; readonly base: string | null } {
  const shown = page
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<(template|noscript)\b[\s\S]*?<\/\1>/gi, '')
    .replace(/(<script\b[^>]{0,2000}>)[\s\S]*?<\/script>/gi, '$1');
  const links = [...shown.matchAll(/<(script|link|img)\b([^>]{0,2000})>/gi)].flatMap(([, tag, attributes = '']) =>
    tag?.toLowerCase() === 'link' && !loadedLink.test(attributes) ? [] : (linkIn(attributes) ?? []),
  );
  const [, ofBase] = /<base\b([^>]{0,2000})>/i.exec(shown) ?? [];
  return {
    // A program in the browser fills in what stands in brackets.
    links: [...new Set(links)].filter((link) => !/\{\{|\$\{|<%|^data:/.test(link)),
    base: ofBase === undefined ? null : linkIn(ofBase),
  };
}

const loadedLink = /\srel\s*=\s*["']?[a-z ]*\b(stylesheet|icon|manifest|modulepreload)\b/i;

function linkIn(attributes: string): string | null {
  const [, quoted, bare] = /\s(?:src|href)\s*=\s*(?:["']([^"']{1,500})["']|([^\s"'>]{1,500}))/i.exec(attributes) ?? [];
  return (quoted ?? bare)?.replaceAll('&amp;', '&') ?? null;
}
