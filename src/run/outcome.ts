import type { Outcome, Signal } from '../event.ts';

/** One row of the table of exit statuses, as the help prints it. */
export interface OutcomeRow {
  readonly exit: number;
  readonly name: string;
  readonly meaning: string;
}

/** The only place that maps outcomes to exit statuses. */
export const outcomeTable = [
  { exit: 0, name: 'kept', meaning: 'the command succeeded and the verdict is healthy; or its rehearsal passed' },
  { exit: 10, name: 'rolled-back, command', meaning: 'the command failed; the instance is back and healthy' },
  { exit: 11, name: 'rolled-back, unhealthy', meaning: 'the checks failed; the instance is back and healthy' },
  { exit: 12, name: 'rolled-back, timeout', meaning: 'the command or the checks ran out of time; back and healthy' },
  { exit: 13, name: 'kept, unhealthy', meaning: 'the change failed and was kept, by policy or by your choice' },
  { exit: 14, name: 'rolled-back, not confirmed', meaning: 'nobody confirmed the change in time; back and healthy' },
  {
    exit: 15,
    name: 'kept, nothing changed',
    meaning: 'the command failed, and nothing that guard compares had changed; the instance was not restarted',
  },
  {
    exit: 16,
    name: 'waiting',
    meaning: 'the change is healthy and is rolled back at its deadline unless it is confirmed',
  },
  {
    exit: 20,
    name: 'rolled-back, still unhealthy',
    meaning: 'restored and started, but not as healthy as before the run: a person must act',
  },
  {
    exit: 21,
    name: 'rollback failed',
    meaning: 'guard could not restore the instance; it prints the commands to finish manually',
  },
  { exit: 30, name: 'refused', meaning: 'guard refused the run; nothing was changed' },
  { exit: 31, name: 'busy', meaning: 'another run is in progress on the instance; nothing was changed' },
  { exit: 32, name: 'quarantined', meaning: 'the same change was rolled back here before; nothing was changed' },
  {
    exit: 33,
    name: 'rehearsal failed',
    meaning: 'the copy did not survive the change; the instance itself was not touched',
  },
  {
    exit: 34,
    name: 'rehearsal inconclusive',
    meaning: 'the rehearsal could not be carried out or judged; the instance itself was not touched',
  },
  {
    exit: 40,
    name: 'rollout stopped',
    meaning: 'at least one instance was not kept; every instance that was touched is healthy',
  },
  {
    exit: 41,
    name: 'rollout paused',
    meaning: 'the health of an instance could not be determined; look at it, then run `guard rollout resume`',
  },
  { exit: 64, name: 'usage', meaning: 'the command line is wrong; nothing was changed' },
  { exit: 78, name: 'configuration', meaning: 'guard.yaml is wrong: file, line, column; nothing was changed' },
  { exit: 129, name: 'interrupted', meaning: 'by HUP; the instance is back and healthy (20 or 21 if not)' },
  { exit: 130, name: 'interrupted', meaning: 'by INT; the instance is back and healthy (20 or 21 if not)' },
  { exit: 143, name: 'interrupted', meaning: 'by TERM; the instance is back and healthy (20 or 21 if not)' },
] as const satisfies readonly OutcomeRow[];

type ExitStatus = (typeof outcomeTable)[number]['exit'];

/** The exit status of an outcome: always one of the table. */
export function exitStatusOf(outcome: Outcome): ExitStatus {
  switch (outcome.outcome) {
    case 'kept':
    case 'rehearsal-passed':
      return 0;
    case 'rolled-back':
      return rolledBackStatus[outcome.cause];
    case 'kept-unhealthy':
      return 13;
    case 'waiting':
      return 16;
    case 'kept-unchanged':
      return 15;
    case 'rolled-back-not-well':
      return 20;
    case 'rollback-failed':
      return 21;
    case 'refused':
      return 30;
    case 'busy':
      return 31;
    case 'quarantined':
      return 32;
    case 'rehearsal-failed':
      return 33;
    case 'rehearsal-inconclusive':
      return 34;
    case 'usage':
      return 64;
    case 'configuration':
      return 78;
    case 'interrupted':
      return interruptedStatus[outcome.signal];
    // Nothing is left to recover.
    case 'instance-gone':
      return 0;
  }
}

/** Whether the change, or its rehearsal, ended with a proof of health. */
export function isGood(outcome: Outcome | null | undefined): boolean {
  return outcome?.outcome === 'kept' || outcome?.outcome === 'rehearsal-passed';
}

/** Neither good nor bad: the change waits for somebody, or its instance is gone. */
export function isUndecided({ outcome }: Outcome): boolean {
  return outcome === 'waiting' || outcome === 'instance-gone';
}

/** The table's name of an outcome. */
export function outcomeName(outcome: Outcome): string {
  if (outcome.outcome === 'instance-gone') return 'instance gone';
  // It shares its exit status with a run that is kept.
  if (outcome.outcome === 'rehearsal-passed') return 'rehearsal passed';
  const exit = exitStatusOf(outcome);
  return outcomeTable.find((row) => row.exit === exit)?.name ?? outcome.outcome;
}

// Inconclusive means that the checks could not run before the time limit. For the caller this is a timeout.
const rolledBackStatus = { command: 10, unhealthy: 11, inconclusive: 12, timeout: 12, 'not-confirmed': 14 } as const;

const interruptedStatus: Record<Signal, ExitStatus> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
