import { mayHaveEffect } from '../../protocols/effect.ts';
import type { Section } from '../../probe/sections.ts';

/**
 * `used COUNT /path` and `configured /path` lines: the paths that guard may request, the most used first. A path that was requested only once is
 * left out, since its second request could have an effect.
 */
export function pagePathsFrom(section: Section): string[] | null {
  if (section.status !== 0) return null;
  const lines = section.lines.slice(0, 200);
  const used = lines.flatMap((line) => {
    const [, count, path] = /^used (\d{1,9}) (\/.*)$/.exec(line) ?? [];
    return path !== undefined && Number(count) > 1 ? [path] : [];
  });
  const configured = lines.flatMap((line) => /^configured (\/.*)$/.exec(line)?.[1] ?? []);
  return [...new Set([...used, ...configured])].filter(mayBeRequested).slice(0, mostPaths);
}

const mostPaths = 8;

function mayBeRequested(path: string): boolean {
  const [, extension] = /\.([a-z\d]+)$/i.exec(path) ?? [];
  const isPage = extension === undefined || pageExtensions.has(extension.toLowerCase());
  return path !== '/' && plainPath.test(path) && isPage && !mayHaveEffect(path) && !path.split('/').some(isToken);
}

const plainPath = /^\/[\w./~@:+-]{1,200}$/;

/** Other files belong to a page or come and go, and have another name in the next version. */
const pageExtensions = new Set(['html', 'htm', 'xhtml', 'shtml', 'php', 'jsp', 'aspx']);

/** Such a part of a path may be good for one request only. */
function isToken(part: string): boolean {
  return part.length >= 20 && /\d/.test(part);
}
