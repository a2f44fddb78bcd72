import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Scalar,
} from 'yaml';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import type { ConfigurationMistake, SourceLocation } from './mistake.ts';
import { syntaxMistakes } from './syntax.ts';

/** A YAML document as plain values with their positions. */
export interface ReadDocument {
  readonly value: unknown;
  /** Where the key at the end of the path stands (the item, in a list); null if there is none. */
  readonly locationOfKey: (path: Path) => SourceLocation | null;
  /** Where its value stands; where there is none, its key, or whatever is around it. */
  readonly locationOfValue: (path: Path) => SourceLocation;
  /** YAML constructs that guard does not support. The rest of the document is still read. */
  readonly mistakes: readonly ConfigurationMistake[];
}

/** Keys and list indices from the top of the document. */
export type Path = readonly (string | number)[];

/**
 * Reads YAML 1.2 (core schema). Scalars are what a person would say they are: a number that JavaScript would write in
 * another way (`1.10`, `007`, `0x1f`) stays the text that stands there. Never throws.
 */
export function readDocument(file: string, text: string): Result<ReadDocument, readonly ConfigurationMistake[]> {
  const lines = new LineCounter();
  const locationAt = (offset: number): SourceLocation => locationIn(text, lines, offset);
  const unprintable = unprintableCharacter.exec(text);
  const parsed = parsedSafely(text, lines);
  if (unprintable) return err([unprintableMistake(file, unprintable[0], locationAt(unprintable.index))]);
  if (parsed === null) return err([{ file, location: null, message: 'The file is nested too deeply.', advice: '' }]);
  if (parsed.errors.length > 0) return err(syntaxMistakes(file, text, parsed.errors, locationAt));
  const version = parsed.directives?.yaml;
  if (version?.explicit && version.version !== '1.2')
    return err([
      { file, location: locationAt(0), message: `guard reads YAML 1.2, not ${version.version}.`, advice: '' },
    ]);
  return ok(plainDocument(file, parsed, locationAt));
}

/** The plain value at a path; undefined where there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}

/** Whether a plain value is a mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// oxlint-disable-next-line no-control-regex -- YAML 1.2 section 5.1: what may not stand in a document
const unprintableCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]/;

function unprintableMistake(file: string, character: string, location: SourceLocation): ConfigurationMistake {
  return {
    file,
    location,
    message: `YAML allows no control character ${neutralise(character)} here.`,
    advice: 'In double quotes it can be written as an escape, such as "\\x1b".',
  };
}

function parsedSafely(text: string, lineCounter: LineCounter): Document.Parsed | null {
  try {
    // Duplicate keys are looked for below: the library compares each key with all others.
    return parseDocument(text, { lineCounter, uniqueKeys: false, prettyErrors: false });
  } catch (error) {
    // The library's own depth is the stack's.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function locationIn(text: string, lines: LineCounter, offset: number): SourceLocation {
  // Positions behind the last line break belong to the line before, if it is the last with anything in it.
  const { line, col } = lines.linePos(Math.min(offset, text.length));
  const start = lines.lineStarts[line - 1] ?? 0;
  const end = text.indexOf('\n', start);
  return {
    line: Math.max(1, line),
    column: Math.max(1, col),
    text: text.slice(start, end === -1 ? undefined : end).replace(/\r$/, ''),
  };
}

const mostValues = 100_000;
const mostDepth = 50;

/** Where a key and its value begin. */
interface Spot {
  readonly key: number | null;
  readonly value: number | null;
}

/** What the conversion keeps on its way. */
interface Conversion {
  readonly spots: Map<string, Spot>;
  readonly anchors: Map<string, Node>;
  /** The nodes around the one at hand, to see an alias of itself. */
  readonly around: Set<Node>;
  values: number;
  /** More than 0 inside an alias: its anchors were seen already. */
  aliases: number;
  readonly complain: (offset: number, message: string, advice?: string) => void;
}

function plainDocument(
  file: string,
  document: Document.Parsed,
  locationAt: (offset: number) => SourceLocation,
): ReadDocument {
  const mistakes: ConfigurationMistake[] = [];
  const conversion: Conversion = {
    spots: new Map(),
    anchors: new Map(),
    around: new Set(),
    values: 0,
    aliases: 0,
    complain: (offset, message, advice = '') => mistakes.push({ file, location: locationAt(offset), message, advice }),
  };
  const value = plainValue(document.contents, [], null, conversion);
  const spotOf = (path: Path): Spot | undefined => conversion.spots.get(spotKey(path));
  return {
    value,
    locationOfKey: (path) => {
      const spot = spotOf(path);
      const offset = spot?.key ?? spot?.value ?? null;
      return offset === null ? null : locationAt(offset);
    },
    locationOfValue: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const spot = spotOf(path.slice(0, length));
        // A missing key is where its parent's key is.
        const offset = length === path.length ? (spot?.value ?? spot?.key) : (spot?.key ?? spot?.value);
        if (offset !== undefined && offset !== null) return locationAt(offset);
      }
      return locationAt(document.contents?.range[0] ?? 0);
    },
    mistakes,
  };
}

function spotKey(path: Path): string {
  return path.join('\0');
}

function plainValue(node: unknown, path: Path, key: number | null, conversion: Conversion): unknown {
  const offset = offsetOf(node);
  conversion.spots.set(spotKey(path), { key, value: isWritten(node) ? offset : null });
  conversion.values += 1;
  if (conversion.values > mostValues || path.length > mostDepth) {
    if (conversion.values <= mostValues + 1)
      conversion.complain(
        offset ?? 0,
        path.length > mostDepth
          ? `The file is nested more than ${mostDepth} levels deep.`
          : `With its aliases expanded, the file has more than ${mostValues} values.`,
      );
    return undefined;
  }
  if (isAlias(node)) return aliasedValue(node.source, path, key, offset ?? 0, conversion);
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
  if (node.anchor !== undefined && conversion.aliases === 0) conversion.anchors.set(node.anchor, node);
  if (node.tag !== undefined && !coreTags.has(node.tag)) {
    conversion.complain(offset ?? 0, `The tag "${neutralise(node.tag, 60)}" is not supported.`);
    return undefined;
  }
  if (isScalar(node)) return scalarValue(node, offset ?? 0, conversion);
  conversion.around.add(node);
  const value = isSeq(node)
    ? node.items.map((item, index) => plainValue(item, [...path, index], null, conversion))
    : mappingValue(node.items, path, conversion);
  conversion.around.delete(node);
  return value;
}

const coreTags = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`),
);

function offsetOf(node: unknown): number | null {
  return (node as Node | null)?.range?.[0] ?? null;
}

/** An empty value stands nowhere. */
function isWritten(node: unknown): boolean {
  const range = (node as Node | null)?.range;
  return range !== undefined && range !== null && range[1] > range[0];
}

function aliasedValue(name: string, path: Path, key: number | null, offset: number, conversion: Conversion): unknown {
  const node = conversion.anchors.get(name);
  if (!node || conversion.around.has(node)) {
    conversion.complain(
      offset,
      node
        ? `"*${neutralise(name, 60)}" refers to itself.`
        : `There is no anchor "&${neutralise(name, 60)}" before this.`,
      node ? '' : `A text that begins with "*" needs quotes: "*${neutralise(name, 60)}".`,
    );
    return undefined;
  }
  conversion.aliases += 1;
  const value = plainValue(node, path, key, conversion);
  conversion.aliases -= 1;
  return value;
}

function scalarValue(node: Scalar, offset: number, conversion: Conversion): unknown {
  const { value, source } = node;
  if (typeof value === 'string' && value.includes('\0')) {
    conversion.complain(offset, 'A NUL character is not allowed.');
    return undefined;
  }
  return typeof value === 'number' && source !== undefined && String(value) !== source ? source : value;
}

function mappingValue(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  path: Path,
  conversion: Conversion,
): Record<string, unknown> {
  const mapping: Record<string, unknown> = {};
  for (const { key, value } of items) {
    const offset = offsetOf(key) ?? offsetOf(value) ?? 0;
    const name = keyText(key);
    if (name === null) conversion.complain(offset, 'A key must be a text on one line.', keyAdvice(key));
    else if (name === '__proto__' || name.includes('\0'))
      conversion.complain(offset, `"${neutralise(name)}" is not allowed as a key.`);
    else if (Object.hasOwn(mapping, name)) conversion.complain(offset, `"${neutralise(name, 60)}" appears twice.`);
    else mapping[name] = plainValue(value, [...path, name], offset, conversion);
  }
  return mapping;
}

function keyText(key: unknown): string | null {
  if (!isScalar(key)) return null;
  if (typeof key.value === 'string') return key.value;
  // An instance may be named "null"; a key of nothing at all is a slip.
  return key.source === undefined || key.source === '' ? null : key.source;
}

function keyAdvice(key: unknown): string {
  if (isAlias(key)) return `A text that begins with "*" needs quotes: "*${neutralise(key.source, 60)}".`;
  return isMap(key) ? 'A text that begins with "{" needs quotes.' : '';
}
