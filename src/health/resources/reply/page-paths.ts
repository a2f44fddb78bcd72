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
  return (
    path !== '/' && plainPath.test(path) && !actions.test(path) && !files.test(path) && !path.split('/').some(isToken)
  );
}

const plainPath = /^\/[\w./~@:+-]{1,200}$/;

/** Names of pages whose request may do something. */
const actions =
  /(?<![a-z])(log-?out|sign-?out|log-?off|delete|remove|drop|destroy|clear|reset|purge|flush|stop|shut-?down|restart|reboot|kill|unsubscribe|subscribe|confirm|activate|verify|cron|run|exec(ute)?|trigger|deploy|update|upgrade|install|send|sync|import|start|publish|disable|enable|toggle|(web-?)?hooks?|cgi-bin|export|backup|restore|print)(?![a-z])/i;

/** They belong to a page, and have another name in the next version. */
const files = /\.(css|js|mjs|map|png|jpe?g|gif|svg|webp|ico|woff2?|ttf|eot|mp4|webm|mp3|zip|gz|xz|deb|pdf|iso)$/i;

/** Such a part of a path may be good for one request only. */
function isToken(part: string): boolean {
  return part.length >= 20 && /\d/.test(part);
}
