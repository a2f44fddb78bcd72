import type { Deadline } from '../../deadline.ts';
import { formatDuration } from '../../duration.ts';
import { formatTime } from '../../time.ts';

/** How long before the deadline the people inside are warned, in milliseconds. A shorter wait warns them at its beginning. */
export const warningMs = 60_000;

/** What the people inside have to be told now; a null `text` for nothing. */
export interface Warning {
  readonly text: string | null;
  /** The deadline that they expect from now on; null where they expect no rollback. */
  readonly warnedOf: Deadline | null;
}

/** They are warned once of each deadline, and told where it was moved beyond the warning. */
export function warningOf(leftMs: number, deadline: Deadline, warnedOf: Deadline | null): Warning {
  if (warnedOf?.at === deadline.at) return { text: null, warnedOf };
  if (leftMs > 0 && leftMs <= warningMs) return { text: describeWarning(leftMs, deadline), warnedOf: deadline };
  return leftMs > warningMs && warnedOf !== null
    ? { text: describeMovedDeadline(deadline), warnedOf: null }
    : { text: null, warnedOf };
}

function describeMovedDeadline({ at }: Deadline): string {
  return `guard: the change of this instance may be confirmed until ${formatTime(at)} on the host. The instance is not rolled back before.`;
}

/** What the people inside read where the change was confirmed after they had been warned. */
export const confirmedMessage = 'guard: the change of this instance was confirmed. The instance is not rolled back.';

/** What the people inside read at their terminals. Their clock and time zone may differ from those of the host. */
function describeWarning(leftMs: number, { at }: Deadline): string {
  const left = formatDuration(Math.max(1000, Math.round(leftMs / 1000) * 1000));
  return `guard: a change of this instance is not confirmed yet. Without a confirmation the instance is rolled back in ${left} (${formatTime(at)} on the host), and every shell in it ends.`;
}
