/** One thing that may happen next, and what the world is after it. */
export interface Step<World> {
  readonly label: string;
  readonly world: World;
}

/** What a search came to. `trace` leads to the broken promise. */
export interface SearchResult {
  readonly states: number;
  /** The longest shortest way to a state. */
  readonly depth: number;
  readonly broken: { readonly promise: string; readonly trace: readonly string[] } | null;
}

/**
 * Breadth-first search of every state that can be reached, so that a counterexample is the shortest there is. Throws beyond
 * `mostStates`: a search that was cut off proves nothing.
 */
export function explore<World>(options: {
  readonly start: World;
  readonly next: (world: World) => readonly Step<World>[];
  /** The promise that a state breaks, in a sentence; null where it breaks none. */
  readonly broken: (world: World) => string | null;
  readonly mostStates: number;
}): SearchResult {
  const { start, next, broken, mostStates } = options;
  const seen = new Map<string, { readonly from: string | null; readonly label: string }>();
  const first = JSON.stringify(start);
  seen.set(first, { from: null, label: 'start' });
  let frontier = [first];
  for (let depth = 0; ; depth += 1) {
    const found: string[] = [];
    for (const key of frontier) {
      for (const { label, world } of next(JSON.parse(key) as World)) {
        const reached = JSON.stringify(world);
        if (seen.has(reached)) continue;
        seen.set(reached, { from: key, label });
        const promise = broken(world);
        if (promise !== null)
          return { states: seen.size, depth: depth + 1, broken: { promise, trace: traceTo(seen, reached) } };
        found.push(reached);
      }
    }
    if (seen.size > mostStates) throw new Error(`more than ${mostStates} states: the model is too large`);
    if (found.length === 0) return { states: seen.size, depth, broken: null };
    frontier = found;
  }
}

function traceTo(
  seen: ReadonlyMap<string, { readonly from: string | null; readonly label: string }>,
  key: string,
): string[] {
  const labels: string[] = [];
  for (let at: string | null = key; at !== null;) {
    const step = seen.get(at);
    if (step === undefined) break;
    labels.unshift(step.label);
    at = step.from;
  }
  return labels;
}
