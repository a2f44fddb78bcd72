/** One page of the reference, as it stands in the file. */
export interface Page {
  /** Below the project's folder. */
  readonly path: string;
  readonly text: string;
}

/** What stands at the head of every page, so that nobody edits it. */
export const generatedNote = '<!-- Made by `npm run docs` from the source code. Do not edit. -->';

/** A table. Cells are markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

/** Words as they are typed. */
export function code(words: string): string {
  return words.includes('`') ? `\`\` ${words} \`\`` : `\`${words}\``;
}

/** Lines as a terminal shows them. */
export function block(lines: string): string {
  return `\`\`\`text\n${lines.replace(/^\n+|\s+$/g, '')}\n\`\`\``;
}

/** Blocks of markdown with an empty line between them; empty ones are left out. */
export function joined(...blocks: readonly string[]): string {
  return `${blocks.filter((text) => text !== '').join('\n\n')}\n`;
}

// Outside of code, <words> would be taken for HTML.
function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/(`+)(?:(?!\1).)+\1|</g, (found) => (found === '<' ? '\\<' : found));
}
