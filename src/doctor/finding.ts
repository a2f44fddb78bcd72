/** How much a finding matters, from the least. */
export type Level = 'ok' | 'warning' | 'problem';

/** One line of `guard doctor`. */
export interface Finding {
  /** What was looked at: `incus`, `pool default`, `hook web`. */
  readonly topic: string;
  readonly level: Level;
  /** One sentence. */
  readonly message: string;
  /** What to do, in one sentence; null where there is nothing to do. */
  readonly advice: string | null;
}

export function ok(topic: string, message: string): Finding {
  return { topic, level: 'ok', message, advice: null };
}

export function warning(topic: string, message: string, advice: string): Finding {
  return { topic, level: 'warning', message, advice };
}

export function problem(topic: string, message: string, advice: string): Finding {
  return { topic, level: 'problem', message, advice };
}

const levels: readonly Level[] = ['ok', 'warning', 'problem'];

export function worstLevel(findings: readonly Finding[]): Level {
  return levels[Math.max(0, ...findings.map(({ level }) => levels.indexOf(level)))] ?? 'ok';
}

/** The exit status, as monitoring plugins have them. */
export function statusOf(level: Level): number {
  return levels.indexOf(level);
}
