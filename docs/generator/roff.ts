import type { Term } from './command-line.ts';

/** A word with what it means, as a tagged paragraph. */
export function taggedParagraph({ words, description }: Term): readonly string[] {
  return ['.TP', `.B ${escapeRoff(words)}`, escapeRoff(description)];
}

/** Literal text. A line that begins with a dot or an apostrophe is escaped, because roff would read it as a request. */
export function escapeRoff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
