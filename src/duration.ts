import { err, ok, type Result } from './result.ts';

const unitInMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const form = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * Reads a duration as written by people: `500ms`, `30s`, `5m`, `1h`, `7d`, or `0`.
 * Returns milliseconds (a whole number), or one sentence that says what was expected.
 */
export function parseDuration(text: string): Result<number, string> {
  if (text === '0') return ok(0);
  const match = form.exec(text);
  const unit = match?.[2] as keyof typeof unitInMs | undefined;
  if (!match || !unit)
    return err(`"${text}" is not a duration: write a number and a unit, like 500ms, 30s, 5m, 1h or 7d.`);
  return ok(Math.round(Number(match[1]) * unitInMs[unit]));
}

/** Writes milliseconds for a person: `43 ms`, `1.5 s`, `2 min 5 s`, `1 h 3 min`, `30 days`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return joined(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  if (seconds >= 2 * secondsADay) return `${Math.round(seconds / secondsADay)} days`;
  return joined(Math.floor(seconds / 3600), 'h', Math.round((seconds % 3600) / 60), 'min');
}

const secondsADay = 24 * 3600;

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
