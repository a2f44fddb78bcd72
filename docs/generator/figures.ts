/** The times that a page shows, in its order: `46.5 s` of `guard: ✖ Verify: unhealthy (46.5 s)` in its console blocks. */
export function figuresOf(markdown: string): string[] {
  return markdown
    .split('\n')
    .map((line) => figureIn(line))
    .filter((figure) => figure !== null);
}

/** The time at the end of a line that guard prints for a phase; null if there is none. */
export function figureIn(line: string): string | null {
  return /^guard: .*\((\d[\d.]*(?: [a-z]+)(?: \d+ [a-z]+)?)\)$/.exec(line)?.[1] ?? null;
}

/** The page with the times of the last run of its commands. `figures` are in the order of the page. */
export function withFigures(markdown: string, figures: readonly string[]): string {
  const left = [...figures];
  return markdown
    .split('\n')
    .map((line) => {
      const shown = figureIn(line);
      return shown === null ? line : line.replace(/\([^()]*\)$/, `(${left.shift() ?? shown})`);
    })
    .join('\n');
}

/** The pages whose times are not those that `npm run test:docs` measured. */
export function pagesWithOtherFigures(
  pages: ReadonlyMap<string, string>,
  measured: Readonly<Record<string, readonly string[]>>,
): string[] {
  return [...pages]
    .filter(([path, markdown]) => figuresOf(markdown).join('\n') !== (measured[path] ?? []).join('\n'))
    .map(([path]) => path);
}
