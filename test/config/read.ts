import { parseConfiguration } from '../../src/config/parse.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { formatMistake, type ConfigurationMistake } from '../../src/config/mistake.ts';

/** A text as a file of this path. */
export const parse = (text: string | Uint8Array, path = '/etc/guard/guard.yaml') =>
  parseConfiguration({ path, bytes: typeof text === 'string' ? Buffer.from(text) : text });

/** The configuration of a text that must be right. */
export const read = (text: string, path?: string): Configuration => {
  const parsed = parse(text, path);
  if (!parsed.ok) throw new Error(parsed.error.map(formatMistake).join('\n'));
  return parsed.value;
};

/** The mistakes of a text that must be wrong. */
export const mistakesIn = (text: string | Uint8Array): readonly ConfigurationMistake[] => {
  const parsed = parse(text);
  if (parsed.ok) throw new Error('There is no mistake in it.');
  return parsed.error;
};

/** The same in short: `3:5 sentence advice`. */
export const complaints = (text: string | Uint8Array): string[] =>
  mistakesIn(text).map(({ location, message, advice }) =>
    [location ? `${location.line}:${location.column}` : 'file', message, advice]
      .filter((part) => part !== '')
      .join(' '),
  );
