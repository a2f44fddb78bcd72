import { styleText } from 'node:util';
import type { Outcome, RecordedEvent } from '../event.ts';
import { exitStatusOf, outcomeName } from '../run/outcome.ts';
import { neutralise } from '../text.ts';
import { noFacts, withEvent, type RunFacts } from './run-facts.ts';
import { outcomeColours } from './run-state.ts';
import type { TableScreen } from './table.ts';

/** What the rehearsal of one instance came to. */
export interface Forecast {
  /** As it is named in commands. */
  readonly instance: string;
  readonly outcome: Outcome;
  readonly events: readonly RecordedEvent[];
}

/** The table of `guard forecast`: what would break comes first. */
export function forecastTable(forecasts: readonly Forecast[], screen: TableScreen = {}): string {
  const rows = forecasts.toSorted((a, b) => exitStatusOf(b.outcome) - exitStatusOf(a.outcome)).map(rowOf);
  const heading = ['INSTANCE', 'FORECAST', 'EXIT', 'WHY'] as const;
  const widths = heading.map((title, at) => Math.max(title.length, ...rows.map(({ cells }) => cells[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cut(cells.map((cell, at) => (at === cells.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  '), screen);
  return [
    line(heading),
    ...rows.map(({ cells, outcome }) => {
      const text = line(cells);
      const [, name = ''] = cells;
      return screen.hasColors?.(16) === true
        ? text.replace(` ${name}`, ` ${styleText(outcomeColours[outcome.outcome], name, { validateStream: false })}`)
        : text;
    }),
  ].join('\n');
}

/** One instance as `guard forecast --json` writes it. */
export function forecastSummary({ instance, outcome, events }: Forecast) {
  const facts = factsOf(events);
  return {
    instance,
    run: events.find(({ type }) => type === 'run-started')?.run ?? null,
    outcome: outcome.outcome,
    exitStatus: exitStatusOf(outcome),
    why: reasonsOf(outcome, facts),
    packages: facts.changes?.packages ?? null,
    notSurvivingReboot: facts.rehearsal?.notSurvivingReboot ?? [],
    notRehearsed: facts.rehearsal?.notRehearsed ?? [],
    refusedHosts: facts.rehearsal?.refusedHosts ?? [],
  };
}

function factsOf(events: readonly RecordedEvent[]): RunFacts {
  return events.reduce(withEvent, noFacts(events[0]?.run ?? ''));
}

function rowOf({ instance, outcome, events }: Forecast) {
  const facts = factsOf(events);
  const cells = [
    neutralise(instance),
    outcomeName(outcome),
    String(exitStatusOf(outcome)),
    reasonsOf(outcome, facts)
      .map((reason) => neutralise(reason))
      .join('; ') || changesOf(facts),
  ];
  return { cells, outcome };
}

function reasonsOf(outcome: Outcome, { verdict, end }: RunFacts): readonly string[] {
  if ('refusal' in outcome) return [outcome.refusal.message];
  if (outcome.outcome !== 'rehearsal-failed') return [];
  const reasons = verdict?.reasons.map(({ message }) => message) ?? [];
  if (reasons.length > 0)
    return outcome.stage === 'restart' ? reasons.map((reason) => `after a restart: ${reason}`) : reasons;
  return end?.kind === 'exited'
    ? [`the upgrade ended with exit status ${end.status}`]
    : [`the upgrade: ${end?.kind ?? 'not ended'}`];
}

function changesOf({ changes, rehearsal }: RunFacts): string {
  const packages = changes === null || changes.unknown?.includes('packages') === true ? null : changes.packages.length;
  const lost = rehearsal?.notSurvivingReboot.length ?? 0;
  return [
    packages === null ? 'its packages are not known' : describePackages(packages),
    ...(lost === 0 ? [] : [`${lost} would not survive a reboot today`]),
  ].join('; ');
}

function describePackages(count: number): string {
  return count === 0 ? 'nothing pending' : count === 1 ? '1 package' : `${count} packages`;
}

function cut(line: string, { columns }: TableScreen): string {
  const trimmed = line.trimEnd();
  return columns !== undefined && trimmed.length > columns ? `${trimmed.slice(0, Math.max(1, columns - 1))}…` : trimmed;
}
