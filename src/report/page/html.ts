import { neutralise } from '../../text.ts';

declare const safe: unique symbol;

/** Markup that may stand in a page as it is. Only `markup` and `trusted` make it. */
export interface Html {
  readonly text: string;
  readonly [safe]: true;
}

type Value = Html | string | number | null | false | readonly Value[];

/** The longest text of one value, in characters: a page must not grow with what an instance writes. */
const maxLength = 4000;

/**
 * A template whose values are text unless they are `Html` themselves. Text from anywhere is safe in elements and in quoted
 * attributes: markup is escaped, control and bidirectional characters become visible, the length is bounded.
 * Null and false leave nothing.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return trusted(parts.reduce((before, part, index) => before + rendered(values[index - 1] ?? null) + part));
}

/** Declares markup of guard's own as safe. Never for text from elsewhere. */
export function trusted(text: string): Html {
  return { text } as Html;
}

/** Text of several lines: line feeds stay, each line is made safe by itself, and what is beyond `most` lines is counted. */
export function preformatted(text: string, most = 200): Html {
  const lines = text.replace(/\s+$/, '').split(/\r?\n/);
  const shown = lines.slice(-most).map((line) => escapeText(line, 1000));
  const left = lines.length - shown.length;
  return trusted([...(left > 0 ? [`… (${left} lines before)`] : []), ...shown].join('\n'));
}

function rendered(value: Value): string {
  if (value === null || value === false) return '';
  if (typeof value === 'string') return escapeText(value, maxLength);
  if (typeof value === 'number') return String(value);
  return isList(value) ? value.map(rendered).join('') : value.text;
}

function isList(value: Html | readonly Value[]): value is readonly Value[] {
  return Array.isArray(value);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

function escapeText(text: string, most: number): string {
  return neutralise(text, most)
    .replace(/[&<>"'`]/g, (character) => entities[character] ?? '')
    .replace(/\p{Surrogate}/gu, '\ufffd');
}
