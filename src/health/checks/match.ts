import type { TextMatch } from '../../check-definition.ts';
import { oneLine } from './answer.ts';

/** Whether the text is there. The configuration has proven that the pattern can be read. */
export const matches = (match: TextMatch, text: string): boolean =>
  match.kind === 'text' ? text.includes(match.text) : new RegExp(match.pattern, 'm').test(text);

/** The match in words: `contain "welcome"`, `match /^ok/`. */
export const sayMatch = (match: TextMatch): string =>
  match.kind === 'text' ? `contain "${oneLine(match.text, 80)}"` : `match /${oneLine(match.pattern, 80)}/`;
