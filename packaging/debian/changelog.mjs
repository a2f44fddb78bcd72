// Debian's changelog from CHANGELOG.md: node changelog.mjs PACKAGE VERSION SECONDS. The latest section that has entries.
import { readFileSync } from 'node:fs';

const [name, version, seconds] = process.argv.slice(2);
const text = readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8');
const sections = text.split(/^## /m).slice(1);
const latest = sections.find((section) => /^- /m.test(section)) ?? '';
const entries = latest
  .split(/^- /m)
  .slice(1)
  .map((entry) =>
    entry
      .split(/\n\s*\n|^#/m)[0]
      .replace(/\s*\n\s*/g, ' ')
      .trim(),
  );

const lines = entries.flatMap((entry) => wrap(entry).map((line, index) => `${index === 0 ? '  * ' : '    '}${line}`));
const date = new Date(Number(seconds) * 1000).toUTCString().replace('GMT', '+0000');
process.stdout.write(
  `${name} (${version}) unstable; urgency=medium\n\n${lines.join('\n')}\n\n -- guard maintainers <maintainers@guard.invalid>  ${date}\n`,
);

/** Words in lines that Debian's tools take. */
function wrap(entry) {
  const lines = [''];
  for (const word of entry.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > 74) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines;
}
