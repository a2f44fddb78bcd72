import type { TextMatch } from '../../check-definition.ts';
import { oneLine } from './answer.ts';

/** Whether the text is there. The configuration has proven that the pattern can be read. */
export function matches(match: TextMatch, text: string): boolean {
  return match.kind === 'text' ? text.includes(match.text) : new RegExp(match.pattern, 'm').test(text);
}

/** The match in words: `contain "welcome"`, `match /^ok/`. */
export function sayMatch(match: TextMatch): string {
  return match.kind === 'text' ? `contain "${oneLine(match.text, 80)}"` : `match /${oneLine(match.pattern, 80)}/`;
}
