/** Mappings in mappings, down to texts and truths. */
export interface PlainMapping {
  readonly [key: string]: string | boolean | PlainMapping;
}

/**
 * Reads the plainest of YAML, as the `incus` command writes its configuration: mappings in block style, of plain words. Null
 * for everything else, which is for the library: loading that takes longer than Incus takes for the first answer.
 */
export const readPlainYaml = (text: string): PlainMapping | null => {
  const lines: Line[] = [];
  for (const line of text.trimEnd().split('\n')) {
    const [, spaces = '', key = '', value] = plainLine.exec(line) ?? [];
    if (key === '' || other.test(key)) return null;
    lines.push({ indent: spaces.length, key, value });
  }
  return mappingOf(lines);
};

interface Line {
  readonly indent: number;
  readonly key: string;
  /** Undefined where lines with more indentation follow. */
  readonly value: string | undefined;
}

const plainLine = /^( *)([A-Za-z][\w.-]*):(?: (\S+))?$/;
const plainText = /^[A-Za-z/][\w./:@+-]*(?<!:)$/;

/** Words that mean something else than themselves. */
const other = /^(?:null|true|false|~)$/i;

/** The first line's indentation is that of the mapping; what follows with more is the value before it. */
const mappingOf = (lines: readonly Line[]): PlainMapping | null => {
  const mapping: Record<string, PlainMapping[string]> = {};
  const indent = lines[0]?.indent ?? 0;
  let rest = lines;
  for (let line = rest[0]; line !== undefined; line = rest[0]) {
    const following = rest.slice(1);
    const end = following.findIndex((later) => later.indent <= indent);
    const inner = end === -1 ? following : following.slice(0, end);
    rest = following.slice(inner.length);
    const value = valueOf(line.value, inner);
    if (line.indent !== indent || line.key in mapping || value === null) return null;
    mapping[line.key] = value;
  }
  return mapping;
};

const valueOf = (written: string | undefined, inner: readonly Line[]): PlainMapping[string] | null => {
  if (written === undefined) return inner.length === 0 ? null : mappingOf(inner);
  if (inner.length > 0) return null;
  if (written === 'true' || written === 'false') return written === 'true';
  if (written === '{}') return {};
  if (written === '""') return '';
  return plainText.test(written) && !other.test(written) ? written : null;
};
