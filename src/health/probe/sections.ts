/** What one section of the probe's output holds, between its two markers. */
export interface Section {
  readonly lines: readonly string[];
  /** Exit status of what wrote it. */
  readonly status: number;
}

/**
 * The sections that are whole, by name. One that has no end marker, or that occurs twice, is left out: half a list of
 * sockets would read as sockets that are gone.
 */
export function sectionsOf(text: string, nonce: string): ReadonlyMap<string, Section> {
  const found = new Map<string, Section | null>();
  let open: { name: string; lines: string[] } | null = null;
  for (const line of text.split('\n')) {
    const mark = line.startsWith(nonce) ? readMarker(line.slice(nonce.length)) : null;
    if (mark === null) {
      open?.lines.push(line.slice(0, longestLine));
    } else if (mark.kind === 'begin') {
      open = { name: mark.name, lines: [] };
    } else {
      if (open?.name === mark.name)
        found.set(mark.name, found.has(mark.name) ? null : { lines: open.lines, status: mark.status });
      open = null;
    }
  }
  return new Map([...found].flatMap(([name, section]) => (section === null ? [] : [[name, section] as const])));
}

/** No honest line is longer, and patterns must not be given the time of guard to eat. */
const longestLine = 4096;

type Mark = { kind: 'begin'; name: string } | { kind: 'end'; name: string; status: number };

function readMarker(text: string): Mark | null {
  const begin = /^ begin ([a-z0-9]+)$/.exec(text);
  if (begin?.[1] !== undefined) return { kind: 'begin', name: begin[1] };
  const end = /^ end ([a-z0-9]+) (\d{1,3})$/.exec(text);
  return end?.[1] === undefined ? null : { kind: 'end', name: end[1], status: Number(end[2]) };
}

/** A whole number, or `otherwise` for anything else. */
export function numberOr(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : otherwise;
}
