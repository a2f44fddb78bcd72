/** One page of the reference, as it stands in the file. */
export interface Page {
  /** Below the project's folder. */
  readonly path: string;
  readonly text: string;
}

/** What stands at the head of every page, so that nobody edits it. */
export const generatedNote = '<!-- Made by `npm run docs` from the source code. Do not edit. -->';

/** A table. Cells are markdown. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');

/** Words as they are typed. */
export const code = (words: string): string => (words.includes('`') ? `\`\` ${words} \`\`` : `\`${words}\``);

/** Lines as a terminal shows them. */
export const block = (lines: string): string => `\`\`\`text\n${lines.replace(/^\n+|\s+$/g, '')}\n\`\`\``;

/** Blocks of markdown with an empty line between them; empty ones are left out. */
export const joined = (...blocks: readonly string[]): string =>
  `${blocks.filter((text) => text !== '').join('\n\n')}\n`;

// Outside of code, <words> would be taken for HTML.
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/(`+)(?:(?!\1).)+\1|</g, (found) => (found === '<' ? '\\<' : found));
