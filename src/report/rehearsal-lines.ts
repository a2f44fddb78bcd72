import type { Finding, Outcome } from '../event.ts';
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
  switch (outcome.outcome) {
    case 'rehearsal-passed':
      return {
        label: 'rehearsal passed',
        message: `a copy of ${name} is healthy after the change, and after a restart. ${name} itself was not touched.`,
      };
    case 'rehearsal-failed':
      return {
        label: 'rehearsal failed',
        message: `${outcome.stage === 'restart' ? `the copy of ${name} was healthy after the change, and not after a restart` : `on a copy of ${name}, ${describeCause(outcome.cause, facts)}`}. ${name} itself was not touched.`,
      };
    case 'rehearsal-inconclusive':
      return {
        label: 'rehearsal inconclusive',
        message: `${neutralise(outcome.refusal.message, 2000)} ${name} itself was not touched.`,
      };
  }
}

/** The most findings of one kind that are shown. */
const most = 10;

/** What a rehearsal showed beside its verdict, and where a kept copy is. */
export function rehearsalLines({ rehearsal, copy, keptCopy, remote }: RunFacts): string[] {
  if (rehearsal === null) return [];
  const { notRehearsed, notSurvivingReboot, refusedHosts } = rehearsal;
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
    ...(keptCopy && copy !== null ? keptLines(copy, remote) : []),
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

function keptLines(
  { project, instance }: { readonly project: string; readonly instance: string },
  remote: string | null,
): string[] {
  const name = remote === null ? instance : `${remote}:${instance}`;
  const line = (...words: string[]): string => shellWords(['incus', ...words, '--project', project]);
  return [
    `  the copy is kept, stopped: ${line('start', name)}`,
    `    enter it with: ${shellWords(['incus', 'exec', name, '--project', project, '--', 'bash'])}`,
    `    remove it with: ${line('delete', '--force', name)}`,
  ];
}
