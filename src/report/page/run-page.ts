import { formatDuration } from '../../duration.ts';
import type { Changes, CheckResult, Finding } from '../../event.ts';
import { shellWords } from '../../text.ts';
import type { RunReport } from '../run-report.ts';
import { stateOf } from '../run-state.ts';
import { htmlDocument } from './document.ts';
import type { EvidenceText } from './evidence-text.ts';
import { markup, preformatted, type Html } from './html.ts';
import { folded, footer, section, table, timeText, type Row } from './parts.ts';
import { rehearsalSection } from './rehearsal-section.ts';
import { decidingFindings, runSummary, unitLogs } from './run-summary.ts';
import { timelineSection } from './timeline-section.ts';

/** What the page of one run is made of. */
export interface RunPage {
  readonly report: RunReport;
  readonly evidence: readonly EvidenceText[];
  /** The version of guard that writes the page. */
  readonly version: string;
}

/** The page of one run: what happened, whether the service is back, what to do now; below it everything else. */
export function runPage(page: RunPage): string {
  return document(page, runArticle(page));
}

/** The page of a run with its rehearsal, or the other way round: the two side by side, and the other one at the end. */
export function pairPage(page: RunPage, other: RunPage): string {
  const isOfRehearsal = page.report.target.rehearsal === true;
  const [rehearsal, run] = isOfRehearsal ? [page.report, other.report] : [other.report, page.report];
  const details =
    other.report.state === 'not-started'
      ? null
      : folded(isOfRehearsal ? 'The run on the instance' : 'The rehearsal on the copy', runArticle(other, null));
  return document(page, markup`${runArticle(page, rehearsalSection(rehearsal, run))}${details}`);
}

function document({ report: { record, target }, version }: RunPage, content: Html): string {
  const name = target.instance === '' ? 'guard' : target.instance;
  return htmlDocument({
    title: `${stateOf(record).name}: ${name} – guard`,
    body: markup`<main>${content}${footer(version)}</main>`,
  });
}

/** Everything about one run. `beside` follows the first screen: what a rehearsal and its run have in common. */
export function runArticle(page: RunPage, beside: Html | null = rehearsalSection(page.report, null)): Html {
  const { report } = page;
  const { record } = report;
  return markup`${runSummary(report, commandOutput(page))}${beside}${timelineSection(report)}${brokenSection(report)}
${changesSection(record.changes)}${checksSection(report)}${evidenceSection(page)}${outputSection(report)}${callSection(report)}`;
}

/** A recorded run has the end of the command's output only in its evidence. */
export function commandOutput({ report, evidence }: RunPage): string {
  return report.output === ''
    ? (evidence.find(({ name }) => name === 'command-output.txt')?.text ?? '')
    : report.output;
}

/** The longest list of findings that is read. */
const mostFindings = 100;

function brokenSection({ record }: RunReport): Html | null {
  const reasons = decidingFindings(record);
  const advisories = (record.ended?.outcome.outcome === 'rolled-back-not-well' ? record.verdictAgain : record.verdict)
    ?.verdict.advisories;
  const others = advisories ?? [];
  if (reasons.length + others.length === 0) return null;
  return section(
    reasons.length === 0 ? 'Other findings' : 'What broke: before and after',
    markup`${reasons.length > 0 && findingTable('What broke', reasons)}${
      others.length > 0 &&
      folded(
        `${others.length} ${others.length === 1 ? 'finding that did not decide' : 'findings that did not decide'}`,
        findingTable('Findings that did not decide', others),
        reasons.length === 0,
      )
    }`,
  );
}

/** Before and after side by side, where the findings have both. */
function findingTable(name: string, findings: readonly Finding[]): Html {
  const hasSides = findings.some(({ before }) => before !== undefined);
  const rows = findings.map(({ message, before, after, severity }): Row => ({
    cells: [message, ...(hasSides ? [before ?? '–', after ?? '–'] : [])],
    ...(severity === 'required' ? { tone: 'bad' } : {}),
  }));
  return table(name, ['Finding', ...(hasSides ? ['Before', 'After'] : [])], rows, {
    most: mostFindings,
    isStacked: hasSides,
  });
}

/** So many packages are shown at once. */
const mostUnfolded = 20;

function changesSection(changes: Changes | null): Html | null {
  if (changes === null) return null;
  const { packages, units, sockets, unknown = [] } = changes;
  const others = [
    ...listed('unit', 'new', units.appeared),
    ...listed('unit', 'gone', units.gone),
    ...(units.changed ?? []).map(({ name, from, to }) => ({ cells: [name, 'unit', `${to} (before: ${from})`] })),
    ...listed('socket', 'new', sockets.appeared),
    ...listed('socket', 'gone', sockets.gone),
  ];
  const packageTable = table(
    'Packages',
    ['Package', 'From', 'To'],
    packages.map(({ name, from, to }) => ({ cells: [name, from ?? 'not installed', to ?? 'removed'] })),
  );
  return section(
    'What changed',
    markup`${packages.length + others.length === 0 && markup`<p>No package, unit or socket changed.</p>`}
${packages.length > 0 && folded(`${packages.length} ${packages.length === 1 ? 'package' : 'packages'}`, packageTable, packages.length <= mostUnfolded)}
${others.length > 0 && folded(`${others.length} ${others.length === 1 ? 'unit or socket' : 'units and sockets'}`, table('Units and sockets', ['Name', 'Kind', 'Now'], others), others.length <= mostUnfolded)}
${unknown.length > 0 && markup`<p class="failed">Not known: ${unknown.join(', ')}.</p>`}`,
  );
}

function listed(kind: string, now: string, names: readonly string[]): Row[] {
  return names.map((name) => ({ cells: [name, kind, now] }));
}

function checksSection({ record }: RunReport): Html | null {
  const { checksBefore, verdict, verdictAgain } = record;
  const columns = [
    { title: 'Before', checks: checksBefore },
    { title: 'After the command', checks: verdict?.verdict.checks ?? [] },
    { title: 'After the rollback', checks: verdictAgain?.verdict.checks ?? [] },
  ].filter(({ checks }) => checks.length > 0);
  const names = [...new Set(columns.flatMap(({ checks }) => checks.map(({ name }) => name)))];
  if (names.length === 0) return null;
  return section(
    'Checks',
    table(
      'Checks',
      ['Check', ...columns.map(({ title }) => title)],
      names.map((name) => ({
        cells: [name, ...columns.map(({ checks }) => checkText(checks.find((check) => check.name === name)))],
      })),
      { most: mostFindings, isStacked: true },
    ),
  );
}

function checkText(check: CheckResult | undefined): Html {
  if (check === undefined) return markup`&ndash;`;
  const { status, ms, message, severity } = check;
  return markup`<span class="${status === 'passed' ? 'passed' : 'failed'}">${status}</span> in ${formatDuration(ms)}${severity === 'advisory' && ' (advisory)'}<br>${message}`;
}

function evidenceSection({ report: { record, facts }, evidence }: RunPage): Html | null {
  const missing = record.evidence?.missing ?? [];
  if (evidence.length + missing.length + facts.unitLogs.length === 0) return null;
  const isSaved = evidence.length > 0;
  return section(
    'Evidence',
    markup`${unitLogs(facts.unitLogs, 3)}${isSaved && markup`<p>guard saved these files before the rollback. Of long files the page has only the end.</p>`}
${orderedEvidence(evidence).map(({ name, bytes, text }) =>
  folded(`${name} (${formatBytes(bytes)})`, markup`<pre tabindex="0">${preformatted(text)}</pre>`),
)}
${missing.map((message) => markup`<p class="failed">Not saved: ${message}</p>`)}`,
  );
}

/** What people look at first comes first; the facts are for programs. */
const evidenceOrder = ['units.txt', 'system-log.txt', 'command-output.txt', 'package-logs.txt', 'processes.txt'];

function orderedEvidence(evidence: readonly EvidenceText[]): EvidenceText[] {
  const place = ({ name }: EvidenceText): number => {
    const index = evidenceOrder.indexOf(name);
    return index === -1 ? evidenceOrder.length : index;
  };
  return evidence.toSorted((one, other) => place(one) - place(other));
}

function formatBytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KiB`;
}

function outputSection({ output }: RunReport): Html | null {
  if (output === '') return null;
  return section("The end of the command's output", markup`<pre tabindex="0">${preformatted(output, 60)}</pre>`);
}

function callSection({ record, target }: RunReport): Html {
  const { started, run } = record;
  // A fingerprint: its beginning tells servers apart.
  const server = started?.server?.slice(0, 12);
  const rows: readonly Row[] = [
    { cells: ['Command', markup`<code>${shellWords(target.command)}</code>`] },
    { cells: ['Instance', target.instance] },
    ...(started === null
      ? []
      : [
          { cells: ['Project', started.project] },
          { cells: ['Server', `${started.remote ?? 'local'}${server === undefined ? '' : ` (id ${server})`}`] },
          { cells: ['Host of guard', started.holder.host] },
          { cells: ['Version of guard', started.version] },
          { cells: ['Started', timeText(started.at)] },
        ]),
    ...(run === '' ? [] : [{ cells: ['Run', run] }]),
    ...(started?.rolledBackTo === undefined ? [] : [{ cells: ['Rolls back to run', started.rolledBackTo] }]),
    ...(started?.rollout === undefined ? [] : [{ cells: ['Rollout', started.rollout] }]),
  ];
  return section('How it was called', table('How it was called', [], rows));
}
