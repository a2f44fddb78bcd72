import { formatDuration } from '../../duration.ts';
import type { Finding, Verdict } from '../../event.ts';
import { describeCommandEnd } from '../format.ts';
import type { RunReport } from '../run-report.ts';
import { stateOf } from '../run-state.ts';
import { markup, type Html } from './html.ts';
import { label, section, table, toneOf, type Cell } from './parts.ts';

/** The copy and the instance in two columns. Null for a run without a rehearsal. `run` is null where none followed. */
export function rehearsalSection(rehearsal: RunReport, run: RunReport | null): Html | null {
  const { facts, target } = rehearsal;
  if (facts.copy === null && target.rehearsal !== true) return null;
  const begun = run?.state === 'not-started' ? null : run;
  const name = facts.instance ?? target.instance;
  const { notRehearsed = [], notSurvivingReboot = [], refusedHosts = [] } = facts.rehearsal ?? {};
  const rows: readonly (readonly [string, Cell, Cell])[] = [
    ['Outcome', outcomeText(rehearsal), begun === null ? 'not touched' : outcomeText(begun)],
    ['Command', commandText(rehearsal), begun === null ? 'not run' : commandText(begun)],
    [
      'After the change',
      verdictText(verdictOf(rehearsal, 'change')),
      begun === null ? '–' : verdictText(begun.facts.verdict),
    ],
    ['After a restart', verdictText(verdictOf(rehearsal, 'restart')), '–'],
    ['Packages changed', packagesText(rehearsal), begun === null ? '–' : packagesText(begun)],
    ['Not rehearsed', findingList(notRehearsed), '–'],
    ...(refusedHosts.length === 0
      ? []
      : [['Hosts it could not reach', refusedHosts.slice(0, mostListed).join(', '), '–'] as const]),
    ['Would not survive a reboot today', '–', findingList(notSurvivingReboot)],
    ['At the end', facts.keptCopy ? 'the copy is kept, stopped' : 'the copy is removed', '–'],
  ];
  return section(
    'Copy and instance',
    table(
      'Copy and instance',
      ['Compared', `Copy of ${name}`, name],
      rows.map((cells) => ({ cells })),
      { isStacked: true },
    ),
  );
}

const mostListed = 10;

function outcomeText({ record }: RunReport): Html {
  const { name, colour } = stateOf(record);
  return label(name, toneOf(colour));
}

function commandText({ facts, record }: RunReport): string {
  if (facts.end === null) return 'not run';
  const ms = record.commandEnded?.ms;
  return `${describeCommandEnd(facts.end)}${ms === undefined ? '' : `, ${formatDuration(ms)}`}`;
}

/** A copy is judged after the change and again after its restart. */
function verdictOf({ record }: RunReport, stage: 'change' | 'restart'): Verdict | null {
  const restart = record.events.findIndex((event) => event.type === 'phase-started' && event.phase === 'restart');
  const isOfStage = (index: number): boolean => (restart >= 0 && index > restart) === (stage === 'restart');
  const verdicts = record.events.flatMap((event, index) =>
    event.type === 'verdict' && isOfStage(index) ? [event.verdict] : [],
  );
  return verdicts.at(-1) ?? null;
}

function verdictText(verdict: Verdict | null): Html {
  if (verdict === null) return markup`not judged`;
  const tone = { healthy: 'good', unhealthy: 'bad', inconclusive: 'warn' } as const;
  return markup`${label(verdict.verdict, tone[verdict.verdict])}${verdict.reasons.length > 0 && findingList(verdict.reasons)}`;
}

function packagesText({ facts }: RunReport): string {
  return facts.changes === null ? 'not known' : String(facts.changes.packages.length);
}

function findingList(findings: readonly Finding[]): Html {
  if (findings.length === 0) return markup`nothing`;
  const rest = findings.length - mostListed;
  return markup`<ul>${findings.slice(0, mostListed).map(({ message }) => markup`<li>${message}</li>`)}${rest > 0 && markup`<li>and ${rest} more</li>`}</ul>`;
}
