import { neutralise } from '../text.ts';

/** Text in a code span: nothing in it is markup, a mention or HTML, whatever it contains. */
export function codeSpan(raw: string, maxLength = 500): string {
  const safe = neutralise(raw, maxLength).trim();
  if (safe === '') return '';
  const fence = '`'.repeat(longestRun(safe) + 1);
  const room = safe.startsWith('`') || safe.endsWith('`') ? ' ' : '';
  return `${fence}${room}${safe}${room}${fence}`;
}

/** Lines as they are, in a block that they cannot leave. */
export function codeBlock(lines: readonly string[], language = 'text'): string[] {
  if (lines.length === 0) return [];
  const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n')) + 1));
  return [`${fence}${language}`, ...lines, fence];
}

/** A sentence of guard's with names from elsewhere in it, as plain text. */
export function plainText(sentence: string): string {
  return (
    neutralise(sentence, 2000)
      .replace(/[\\`*_{}[\]<>#+!|~&$]/g, (mark) => `\\${mark}`)
      // A comment keeps a name from being notified: a backslash does not.
      .replaceAll('@', '@<!-- -->')
  );
}

/** A table; cells are markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [row(head), row(head.map(() => '---')), ...rows.map(row)];
}

// Also in code: a table is cut into cells before anything else is read.
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
