import { formatDuration } from '../duration.ts';
import type { CheckResult, Outcome } from '../event.ts';
import { exitStatusOf, isGood } from '../run/outcome.ts';
import { shellWords } from '../text.ts';
import { summarizeOutcome } from './outcome-summary.ts';
import { codeBlock, codeSpan, plainText, table } from './markdown.ts';
import { commandTitle, phaseTitles, safeLines } from './format.ts';
import type { RunReport } from './run-report.ts';

/** The runs as markdown, for a step's summary or a comment. */
export function markdownOf(stories: readonly RunReport[]): string {
  const sections = stories.map((story) => section(story).join('\n'));
  return `${[...(stories.length > 1 ? [grid(stories).join('\n')] : []), ...sections].join('\n\n')}\n`;
}

/** Many instances at a glance: those that are not kept have their reason in their section. */
function grid(stories: readonly RunReport[]): string[] {
  return table(
    ['Instance', 'Outcome', 'Took'],
    stories.map((story) => {
      const { outcome } = story;
      const name = outcome === null ? (story.state === 'not-started' ? 'not started' : 'not ended') : outcome.outcome;
      const took = story.record.ended === null ? '' : formatDuration(story.record.ended.ms);
      return [codeSpan(story.target.instance), `${readMarker(story)} ${name}`, took];
    }),
  );
}

/** Only what is kept and well gets the mark of success. */
const marks = {
  kept: '✅',
  'rolled-back': '↩️',
  interrupted: '↩️',
  'kept-unhealthy': '❌',
  'kept-unchanged': '⚠️',
  'instance-gone': '⚠️',
  'rolled-back-not-well': '❌',
  'rollback-failed': '❌',
  waiting: '⏸️',
  refused: '⛔',
  busy: '⛔',
  quarantined: '⛔',
  'rehearsal-passed': '✅',
  'rehearsal-failed': '❌',
  'rehearsal-inconclusive': '⛔',
  usage: '⛔',
  configuration: '⛔',
} as const satisfies Record<Outcome['outcome'], string>;

function section(story: RunReport): string[] {
  const { target, record } = story;
  const title = commandTitle(target, 300);
  return [
    `## ${readMarker(story)} ${codeSpan(title)}`,
    '',
    ...outcomeLines(story),
    ...spaced(checkTable(story)),
    ...spaced(phaseTable(story)),
    ...spaced(record.ended === null ? [] : outputLines(story)),
  ];
}

function spaced(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function readMarker({ state, outcome }: RunReport): string {
  if (state === 'not-started') return '⏸️';
  return outcome === null ? '❌' : marks[outcome.outcome];
}

function outcomeLines(story: RunReport): string[] {
  const { state, outcome, record, facts, internalError: bug, target } = story;
  if (state === 'not-started') return ['**Not started**'];
  if (bug !== null || outcome === null)
    return [
      `**Not ended**: ${bug === null ? 'This run has not ended.' : plainText(bug)}`,
      '',
      ...codeBlock([`guard recover ${shellWords([target.instance])}`], 'sh'),
    ];
  const { label, headline, details } = summarizeOutcome(outcome, facts);
  return [
    `**${plainText(label)}**${plainText(headline.slice(label.length))}${record.ended === null ? '' : ` (exit status ${exitStatusOf(outcome)})`}`,
    ...spaced(codeBlock(details.flatMap((line) => safeLines(line)))),
  ];
}

const answers = { passed: '✅ passed', failed: '❌ failed', unknown: '❔ not run' } as const;

function checkTable({ record }: RunReport): string[] {
  const before = new Map(record.checksBefore.map((check) => [check.name, check]));
  const after = new Map((record.verdict?.verdict.checks ?? []).map((check) => [check.name, check]));
  const again = new Map((record.verdictAgain?.verdict.checks ?? []).map((check) => [check.name, check]));
  const names = [...new Set([...before.keys(), ...after.keys(), ...again.keys()])];
  const columns = [
    { title: 'Before', checks: before },
    { title: 'After', checks: after },
    { title: 'After the rollback', checks: again },
  ].filter(({ checks }) => checks.size > 0);
  return table(
    ['Check', ...columns.map(({ title }) => title), 'What it said'],
    names.map((name) => [
      codeSpan(name),
      ...columns.map(({ checks }) => answerOf(checks.get(name))),
      codeSpan((after.get(name) ?? before.get(name))?.message ?? ''),
    ]),
  );
}

function answerOf(check: CheckResult | undefined): string {
  return check === undefined ? '' : `${answers[check.status]}${check.severity === 'advisory' ? ' (advisory)' : ''}`;
}

function phaseTable({ record, outcome }: RunReport): string[] {
  const isWaiting = outcome?.outcome === 'waiting';
  return table(
    ['Phase', 'Result', 'Took'],
    record.phases.map(({ phase, ended }) => [
      phaseTitles[phase],
      ended === null
        ? isWaiting && phase === 'confirm'
          ? 'waiting'
          : '❌ did not end'
        : `${ended.ok ? '' : '❌ '}${codeSpan(ended.message)}`,
      ended === null ? '' : formatDuration(ended.ms),
    ]),
  );
}

/** The command's last words, where it went wrong. */
function outputLines({ record, output }: RunReport): string[] {
  if (output === '' || isGood(record.ended?.outcome)) return [];
  const lines = safeLines(output, 100_000).slice(-40);
  return ['<details><summary>The last of the output</summary>', '', ...codeBlock(lines), '', '</details>'];
}
