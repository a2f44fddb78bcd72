import type { Term } from './command-line.ts';

/** A word with what it means, as a tagged paragraph. */
export function taggedParagraph({ words, description }: Term): readonly string[] {
  return ['.TP', `.B ${escapeRoff(words)}`, escapeRoff(description)];
}

/** Text as it stands; a line that begins with a dot or an apostrophe would be a request to roff. */
export function escapeRoff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
