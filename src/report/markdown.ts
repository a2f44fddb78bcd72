import { neutralise } from '../text.ts';

/** Text in a code span: nothing in it is markup, a mention or HTML, whatever it contains. */
export const codeSpan = (raw: string, maxLength = 500): string => {
  const safe = neutralise(raw, maxLength).trim();
  if (safe === '') return '';
  const fence = '`'.repeat(longestRun(safe) + 1);
  const room = safe.startsWith('`') || safe.endsWith('`') ? ' ' : '';
  return `${fence}${room}${safe}${room}${fence}`;
};

/** Lines as they are, in a block that they cannot leave. */
export const codeBlock = (lines: readonly string[], language = 'text'): string[] => {
  if (lines.length === 0) return [];
  const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n')) + 1));
  return [`${fence}${language}`, ...lines, fence];
};

/** A sentence of guard's with names from elsewhere in it, as plain text. */
export const plainText = (sentence: string): string =>
  neutralise(sentence, 2000)
    .replace(/[\\`*_{}[\]<>#+!|~&$]/g, (mark) => `\\${mark}`)
    // A comment keeps a name from being notified: a backslash does not.
    .replaceAll('@', '@<!-- -->');

/** A table; cells are markdown already. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  rows.length === 0 ? [] : [row(head), row(head.map(() => '---')), ...rows.map(row)];

// Also in code: a table is cut into cells before anything else is read.
const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
