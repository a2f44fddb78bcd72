/**
 * Makes text that came from elsewhere safe to show in guard's own words: control characters (C0, DEL, C1, line and
 * paragraph separators, bidirectional overrides) become visible escapes such as `\x1b`, and the length is bounded.
 */
export function neutralise(text: string, maxLength = 500): string {
  const shown = text.slice(0, maxLength).replace(unsafe, (character) => escaped(character));
  return text.length > maxLength ? `${shown}… (${text.length} characters)` : shown;
}

// oxlint-disable-next-line no-control-regex -- finding control characters is the purpose
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The name nearest to `wanted` among `known` (Levenshtein distance at most a third of its length, one at least), or null. */
export function nearest(wanted: string, known: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: { name: string; distance: number } | null = null;
  for (const name of known) {
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase());
    if (distance <= limit && (best === null || distance < best.distance)) best = { name, distance };
  }
  return best?.name ?? null;
}

/** Changed, missing and additional letters, and two that changed places, count one each. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          substitution,
          (previous[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          swapped ? (beforePrevious[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [beforePrevious, previous] = [previous, row];
  }
  return previous[b.length] ?? 0;
}

/**
 * Quotes words as one line that a POSIX shell reads back as the same words: for commands that guard prints for a person.
 * guard itself never passes anything through a shell.
 */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
