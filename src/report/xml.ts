/** An element: attributes in order, and what is in it. */
export interface Element {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly children?: readonly (Element | string)[];
}

/** A whole XML 1.0 document that every parser accepts, whatever the texts contain. */
export function xmlDocument(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${written(root, '')}\n`;
}

function written({ name, attributes = {}, children = [] }: Element, indent: string): string {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(String(value))}"`);
  const open = `${indent}<${name}${words.join('')}`;
  if (children.length === 0) return `${open}/>`;
  // Room around a text would become part of it.
  if (children.some((child) => typeof child === 'string'))
    return `${open}>${children.map((child) => (typeof child === 'string' ? text(child) : written(child, ''))).join('')}</${name}>`;
  const inner = children.map((child) => (typeof child === 'string' ? text(child) : written(child, `${indent}  `)));
  return `${open}>\n${inner.join('\n')}\n${indent}</${name}>`;
}

/** What no XML 1.0 document may contain, not even as a reference (https://www.w3.org/TR/xml/#charsets), lone surrogates included. */
const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function text(raw: string): string {
  return (
    raw
      .replace(forbidden, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // A parser would make a line feed of it.
      .replaceAll('\r', '&#13;')
  );
}

/** A parser makes spaces of these where they are not written as references. */
function attribute(raw: string): string {
  return text(raw).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;');
}
