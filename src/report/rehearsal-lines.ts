import type { Finding, Outcome, RehearsalCopy, RehearsalReport } from '../event.ts';
import { neutralise, shellWords } from '../text.ts';
import type { RunFacts } from './run-facts.ts';
import { bounded } from './format.ts';

type RehearsalOutcome = Extract<
  Outcome,
  { readonly outcome: 'rehearsal-passed' | 'rehearsal-failed' | 'rehearsal-inconclusive' }
>;

/** The headline of a rehearsal. The instance itself is named with what is true of it: nobody touched it. */
export function rehearsalHeadline(
  outcome: RehearsalOutcome,
  name: string,
  facts: RunFacts,
  describeCause: (
    cause: Extract<RehearsalOutcome, { outcome: 'rehearsal-failed' }>['cause'],
    facts: RunFacts,
  ) => string,
): { label: string; message: string } {
  // Nobody knows its name where a run is refused before its record.
  const itself = `${facts.instance ?? 'The instance'} itself`;
  switch (outcome.outcome) {
    case 'rehearsal-passed':
      return {
        label: 'rehearsal passed',
        message: `a copy of ${name} is healthy after the change, and after a restart. ${itself} was not touched.`,
      };
    case 'rehearsal-failed':
      return {
        label: 'rehearsal failed',
        message: `${outcome.stage === 'restart' ? `the copy of ${name} was healthy after the change, and not after a restart` : `on a copy of ${name}, ${describeCause(outcome.cause, facts)}`}. ${itself} was not touched.`,
      };
    case 'rehearsal-inconclusive':
      return {
        label: 'rehearsal inconclusive',
        message: `${neutralise(outcome.refusal.message, 2000)} ${itself} was not touched.`,
      };
  }
}

/** The most findings of one kind that are shown. */
const most = 10;

/** What a rehearsal showed beside its verdict, and where a kept copy is. */
export function rehearsalLines({ rehearsal, copy, keptCopy, remote }: RunFacts): string[] {
  // A copy is also kept where the rehearsal ended before its report.
  return [
    ...(rehearsal === null ? [] : reportLines(rehearsal)),
    ...(keptCopy && copy !== null ? keptLines(copy, remote) : []),
  ];
}

function reportLines({ notRehearsed, notSurvivingReboot, refusedHosts }: RehearsalReport): string[] {
  return [
    ...list('would not survive a reboot today, whatever is changed:', '!', notSurvivingReboot),
    ...list('not rehearsed:', '·', notRehearsed),
    ...(refusedHosts.length === 0
      ? []
      : [
          `  hosts that the copy requested and could not reach: ${bounded(
            refusedHosts.map((host) => neutralise(host)),
            most,
          )}`,
        ]),
  ];
}

function list(title: string, mark: string, findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const rest = findings.length - most;
  return [
    `  ${title}`,
    ...findings.slice(0, most).map(({ message }) => `    ${mark} ${neutralise(message)}`),
    ...(rest > 0 ? [`    ${mark} and ${rest} more`] : []),
  ];
}

/** All that is left is named: the volumes of a copy do not go with it. */
function keptLines({ project, instance, volumes, client = 'incus' }: RehearsalCopy, remote: string | null): string[] {
  const at = (name: string): string => (remote === null ? name : `${remote}:${name}`);
  const line = (...words: string[]): string => shellWords([client, ...words, '--project', project]);
  return [
    `  the copy is kept, stopped: ${line('start', at(instance))}`,
    `    enter it with: ${line('shell', at(instance))}`,
    `    remove it with: ${line('delete', '--force', at(instance))}`,
    ...volumes.map(
      ({ pool, copy }) => `    and then its volume with: ${line('storage', 'volume', 'delete', at(pool), copy)}`,
    ),
  ];
}
