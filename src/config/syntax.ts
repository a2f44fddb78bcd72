import type { YAMLParseError } from 'yaml';
import type { ConfigurationMistake, SourceLocation } from './mistake.ts';

/** YAML's own errors, in words for people who write YAML twice a year. One a line: the rest are echoes of the first. */
export function syntaxMistakes(
  file: string,
  text: string,
  errors: readonly YAMLParseError[],
  locationAt: (offset: number) => SourceLocation,
): ConfigurationMistake[] {
  const lines = new Set<number>();
  const mistakes: ConfigurationMistake[] = [];
  for (const error of errors) {
    const location = locationAt(error.pos[0]);
    if (lines.has(location.line)) continue;
    lines.add(location.line);
    mistakes.push({ file, location, ...sentences(error, location) });
  }
  return mistakes;
}

type Sentences = Pick<ConfigurationMistake, 'message' | 'advice'>;

function sentences(error: YAMLParseError, location: SourceLocation): Sentences {
  return known[error.code]?.(error.message, location) ?? { message: sentence(error.message), advice: '' };
}

/** The codes that people meet, where more can be said than the library does. */
const known: Partial<Record<YAMLParseError['code'], (message: string, location: SourceLocation) => Sentences>> = {
  TAB_AS_INDENT: () => ({ message: 'A tab is not allowed as indentation.', advice: 'Use spaces.' }),
  BAD_INDENT: (message) => {
    const [, kind] = /^Flow (map|sequence) .* end with a/.exec(message) ?? [];
    if (kind === undefined) return { message: sentence(message), advice: '' };
    const [open, close] = kind === 'map' ? ['{', '}'] : ['[', ']'];
    return {
      message: `A "${open}" is not closed before this.`,
      advice: `Close it with "${close}", or put a text that begins with "${open}" in quotes.`,
    };
  },
  MULTIPLE_DOCS: () => ({ message: 'A second YAML document begins here.', advice: 'Write one document per file.' }),
  BAD_SCALAR_START: (_message, { text, column }) => ({
    message: `A text cannot begin with "${text[column - 1] ?? ''}".`,
    advice: 'Put it in quotes.',
  }),
  BLOCK_AS_IMPLICIT_KEY: () => ({
    message: 'This line has a second ": ".',
    advice: 'A text that contains ": " needs quotes.',
  }),
  BAD_ALIAS: () => ({ message: 'This is not an alias.', advice: 'A text that begins with "*" needs quotes.' }),
  MISSING_CHAR: (message) => ({
    message: message.startsWith('Missing closing') ? 'A quote is not closed before this.' : sentence(message),
    advice: '',
  }),
  MULTILINE_IMPLICIT_KEY: () => ({ message: 'This is not a key with a value.', advice: 'Is a ":" missing?' }),
  RESOURCE_EXHAUSTION: () => ({ message: 'The file is nested too deeply.', advice: '' }),
  UNEXPECTED_TOKEN: (_message, { text, column }) => ({
    message: 'This is not valid YAML at this position.',
    advice: adviceForToken(text.slice(0, column - 1)),
  }),
};

function adviceForToken(before: string): string {
  const placeholder = /\{address[^{}]*\}$/.exec(before);
  if (placeholder) return `A text that begins with "{" needs quotes: "${placeholder[0]}…".`;
  return /(^|[\s:])\*:?\s*$/.test(before) ? 'A text that begins with "*" needs quotes: "*".' : '';
}

function sentence(message: string): string {
  return `${message.replace(/\s+/g, ' ').replace(/[.:]$/, '')}.`;
}
