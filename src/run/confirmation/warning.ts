import type { Deadline } from '../../deadline.ts';
import { formatDuration } from '../../duration.ts';
import { formatTime } from '../../time.ts';

/** How long before the deadline the people inside are warned, in milliseconds. A shorter wait warns them at its beginning. */
export const warningMs = 60_000;

/** Whether the people inside have to be warned now: once for each deadline, so again after it was moved. */
export function isWarningDue(leftMs: number, deadline: Deadline, warnedOf: Deadline | null): boolean {
  return leftMs > 0 && leftMs <= warningMs && warnedOf?.at !== deadline.at;
}

/** Whether the people inside were warned of a rollback that does not come now: the deadline was moved beyond the warning. */
export function isWarningObsolete(leftMs: number, deadline: Deadline, warnedOf: Deadline | null): boolean {
  return warnedOf !== null && warnedOf.at !== deadline.at && leftMs > warningMs;
}

/** What the people inside read where the deadline was moved after they had been warned. */
export function describeMovedDeadline({ at }: Deadline): string {
  return `guard: the change of this instance may be confirmed until ${formatTime(at)} on the host. The instance is not rolled back before.`;
}

/** What the people inside read where the change was confirmed after they had been warned. */
export const confirmedMessage = 'guard: the change of this instance was confirmed. The instance is not rolled back.';

/** What the people inside read at their terminals. Their clock and time zone may differ from those of the host. */
export function describeWarning(leftMs: number, { at }: Deadline): string {
  const left = formatDuration(Math.max(1000, Math.round(leftMs / 1000) * 1000));
  return `guard: a change of this instance is not confirmed yet. Without a confirmation the instance is rolled back in ${left} (${formatTime(at)} on the host), and every shell in it ends.`;
}
