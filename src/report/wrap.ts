/** Fewer columns than that are not worth wrapping for. */
const narrowest = 30;

/** What a person may copy is left to the terminal: a command that is cut into lines is no command any more. */
function isToBeCopied(line: string): boolean {
  return /^ {4}|: (incus|guard) /.test(line) || line.includes(' | ');
}

/** Cuts a line at spaces so that it fits, and indents what follows like text under a mark. Null or 0 columns: as it is. */
export function wrapped(line: string, columns: number | undefined): string[] {
  if (!columns || columns < narrowest || line.length <= columns || isToBeCopied(line)) return [line];
  const indent = ' '.repeat((/^\s*([✖·›] )?/.exec(line)?.[0].length ?? 0) + (line.startsWith(' ') ? 0 : 2));
  const lines: string[] = [];
  let current = '';
  for (const word of line.trimStart().split(' ')) {
    const room = columns - current.length - 1;
    if (current !== '' && current.trim() !== '' && word.length > room) {
      lines.push(current);
      current = `${indent}${word}`;
    } else current = current === '' ? `${/^\s*/.exec(line)?.[0] ?? ''}${word}` : `${current} ${word}`;
  }
  return [...lines, current];
}
