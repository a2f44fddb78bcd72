import { basename } from 'node:path';
import { formatDuration } from '../../duration.ts';
import type { Changes, CheckResult, Finding } from '../../event.ts';
import { shellWords } from '../../text.ts';
import { nextCommands, summarizeOutcome } from '../outcome-summary.ts';
import type { RunReport } from '../run-report.ts';
import { phaseTitles } from '../format.ts';
import { stateOf } from '../run-state.ts';
import { formatTime } from '../time.ts';
import { htmlDocument } from './document.ts';
import { markup, preformatted, type Html } from './html.ts';
import { timelineOf, type Timeline, type TimelineRow } from './timeline.ts';

/** The content of one file of evidence, its end where it is long. */
export interface EvidenceText {
  readonly name: string;
  readonly bytes: number;
  readonly text: string;
}

/** What the page of one run is made of. */
export interface RunPage {
  readonly report: RunReport;
  readonly evidence: readonly EvidenceText[];
  /** The version of guard that writes the page. */
  readonly version: string;
}

/** The page of one run: what happened, whether the service is back, what to do now; below it everything else. */
export function runPage(page: RunPage): string {
  const { record, target } = page.report;
  const name = target.instance === '' ? 'guard' : target.instance;
  return htmlDocument({
    title: `${stateOf(record).name}: ${name} – guard`,
    body: markup`<main>${runArticle(page)}${footer(page.version)}</main>`,
  });
}

/** Several runs on one page, the first one's heading first. */
export function runsPage(pages: readonly RunPage[], version: string): string {
  const [only] = pages;
  if (pages.length === 1 && only !== undefined) return runPage(only);
  const cards = pages.map(({ report }, index) => {
    const { name, colour } = stateOf(report.record);
    return markup`<li class="${toneOf(colour)}"><a href="#run-${index}">${report.target.instance}</a><br />${name}</li>`;
  });
  return htmlDocument({
    title: `${pages.length} instances – guard`,
    body: markup`<main>
      <h1>${pages.length} instances</h1>
      <ul class="grid">
        ${cards}
      </ul>
      ${pages.map((page, index) => markup`<section id="run-${index}">${runArticle(page)}</section>`)}${footer(version)}
    </main>`,
  });
}

function runArticle(page: RunPage): Html {
  const { record, output } = page.report;
  const timeline = record.events.length === 0 ? null : timelineOf(record);
  return markup`${summary(page, timeline)} ${timeline === null ? null : timelineSection(timeline)} ${brokenSection(page)}
  ${changesSection(record.changes)} ${checksSection(page)} ${evidenceSection(page)}
  ${
    output === ''
      ? null
      : markup`<h2>The end of the command's output</h2>
          <pre tabindex="0">${preformatted(output)}</pre>`
  }
  ${callSection(page)}`;
}

/** The classes of the three colours of an outcome. */
export function toneOf(colour: 'green' | 'yellow' | 'red'): 'good' | 'warn' | 'bad' {
  return colour === 'green' ? 'good' : colour === 'yellow' ? 'warn' : 'bad';
}

function summary({ report }: RunPage, timeline: Timeline | null): Html {
  const { name, colour, exitStatus } = stateOf(report.record);
  const outcome = report.record.ended?.outcome ?? null;
  const sentence = outcome === null ? unfinishedSentence(report) : summarizeOutcome(outcome, report.facts).headline;
  return markup`<header class="summary ${toneOf(colour)}">
    <span class="label">${name}${exitStatus === null ? null : markup` &middot; exit status ${exitStatus}`}</span>
    <h1>${sentence}</h1>
    <dl>
      <dt>Why</dt>
      <dd>${whyOf(report)}</dd>
      <dt>Is the service back?</dt>
      <dd>${serviceState(report, timeline)}</dd>
      <dt>What now?</dt>
      <dd>${nextSteps(report)}</dd>
    </dl>
  </header>`;
}

function unfinishedSentence({ state, target, internalError }: RunReport): string {
  if (internalError !== null) return `guard failed while it worked on ${target.instance}: ${internalError}`;
  return state === 'waiting'
    ? `The change of ${target.instance} has not begun.`
    : `The run on ${target.instance} has not ended.`;
}

function whyOf({ record, facts }: RunReport): Html {
  const reasons = decidingFindings(record);
  const [first] = reasons;
  if (first !== undefined)
    return markup`${reasonWithLog(first)}${reasons.length > 1 ? markup`<p>and ${reasons.length - 1} more, below</p>` : null}`;
  const end = facts.end;
  if (end?.kind === 'exited' && end.status !== 0) return markup`The command ended with exit status ${end.status}.`;
  if (record.verdict?.verdict.verdict === 'healthy')
    return markup`Everything that the instance did before, it still does.`;
  return markup`See the timeline below.`;
}

function reasonWithLog(finding: Finding): Html {
  const log = finding.log ?? [];
  return markup`<p class="reason">${finding.message}</p>
    ${log.length === 0 ? null : markup`<pre tabindex="0">${preformatted(log.slice(-8).join('\n'))}</pre>`}`;
}

/** The findings that decided: of the restored instance where that one is not healthy, else of the change. */
function decidingFindings({ ended, verdict, verdictAgain }: RunReport['record']): readonly Finding[] {
  const decided = ended?.outcome.outcome === 'rolled-back-not-well' ? verdictAgain : verdict;
  return decided?.verdict.reasons ?? [];
}

function serviceState({ record, facts }: RunReport, timeline: Timeline | null): Html {
  const outcome = record.ended?.outcome.outcome;
  const downtime = timeline?.downtime ?? null;
  const down =
    downtime === null
      ? markup`guard did not stop the instance.`
      : downtime.to === null
        ? markup`It was stopped at ${formatTime(downtime.from)} and was not seen to run again.`
        : markup`guard had it stopped for ${formatDuration(downtime.to - downtime.from)}, until
          ${formatTime(downtime.to)}.`;
  if (outcome === 'kept') return markup`<strong>Yes.</strong> It is healthy after the change. ${down}`;
  if (outcome === 'refused' || outcome === 'busy' || outcome === 'quarantined')
    return markup`Nothing was changed. guard does not know more about it.`;
  switch (facts.verdictAgain?.verdict) {
    case 'healthy':
      return markup`<strong>Yes.</strong> The instance was rolled back, and everything that worked before works again. ${down}`;
    case 'unhealthy':
    case 'inconclusive':
      return markup`<strong class="failed">Not proven.</strong> The instance was restored, but not everything works as before.
        ${down}`;
    case undefined:
      return outcome === 'kept-unhealthy'
        ? markup`<strong class="failed">Not proven.</strong> The change was kept although it was not healthy. ${down}`
        : markup`<strong class="failed">Not known.</strong> ${down}`;
  }
}

function nextSteps({ record, facts }: RunReport): Html {
  const commands = record.ended === null ? [] : nextCommands(record.ended.outcome, facts);
  return commands.length === 0 ? markup`Nothing.` : markup`${commands.map(copyableCommand)}`;
}

function copyableCommand(command: string): Html {
  return markup`<div class="command">
    <code>${command}</code><button type="button" class="copy" hidden>Copy</button>
  </div>`;
}

function timelineSection({ whole, rows, downtime }: Timeline): Html {
  const length = Math.max(1, whole.to - whole.from);
  const percent = (at: number): string => `${(((at - whole.from) / length) * 100).toFixed(2)}%`;
  const width = (from: number, to: number): string => `${Math.max(0.4, ((to - from) / length) * 100).toFixed(2)}%`;
  const bar = ({ span, result, observations }: TimelineRow): Html =>
    markup`<svg width="100%" height="18" aria-hidden="true">
      ${downtime === null ? null : markup`<rect class="down" x="${percent(downtime.from)}" y="0" width="${width(downtime.from, downtime.to ?? whole.to)}" height="18" />`}
      <rect
        class="bar${result?.ok === false ? ' failed' : ''}"
        x="${percent(span.from)}"
        y="4"
        width="${width(span.from, span.to)}"
        height="10"
      />
      ${observations.map((at) => markup`<rect class="mark" x="${percent(at)}" y="1" width="2" height="16" />`)}
    </svg>`;
  return markup`<h2>Timeline</h2>
    <p>
      ${formatTime(whole.from)} to ${formatTime(whole.to)},
      ${formatDuration(length)}.${downtime === null ? null : ' The shaded part is the time in which the instance was stopped.'}
    </p>
    <div class="wide" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Phase</th>
            <th scope="col">Took</th>
            <th scope="col">Result</th>
            <th scope="col" class="bars">When</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => markup`<tr${row.result?.ok === false ? markup` class="bad"` : null}><td>${phaseTitles[row.phase]}</td><td class="number">${formatDuration(row.span.to - row.span.from)}</td><td class="message">${row.result?.message ?? 'not ended'}</td><td class="bars">${bar(row)}</td></tr>`)}
        </tbody>
      </table>
    </div>`;
}

function brokenSection({ report: { record } }: RunPage): Html | null {
  const findings = [...decidingFindings(record), ...(record.verdict?.verdict.advisories ?? [])];
  if (findings.length === 0) return null;
  const hasSides = findings.some(({ before, after }) => before !== undefined || after !== undefined);
  return markup`<h2>What is different</h2>
    <div class="wide" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Finding</th>
            ${
              hasSides
                ? markup`<th scope="col">Before</th>
                    <th scope="col">After</th>`
                : null
            }
          </tr>
        </thead>
        <tbody>
          ${findings.slice(0, 100).map(
            (finding) =>
              markup`<tr${finding.severity === 'required' ? markup` class="bad"` : null}><td>${finding.message}</td>${
                hasSides
                  ? markup`<td>${finding.before ?? '–'}</td>
                      <td>${finding.after ?? '–'}</td>`
                  : null
              }</tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${findings.length > 100 ? markup`<p>and ${findings.length - 100} more</p>` : null}`;
}

/** More rows than this make a page too long to read; the record has them all. */
const mostRows = 500;

function changesSection(changes: Changes | null): Html | null {
  if (changes === null) return null;
  const { packages, units, sockets } = changes;
  const others = [
    ...units.appeared.map((name) => ['unit', name, 'new']),
    ...units.gone.map((name) => ['unit', name, 'gone']),
    ...sockets.appeared.map((name) => ['socket', name, 'new']),
    ...sockets.gone.map((name) => ['socket', name, 'gone']),
  ];
  if (packages.length + others.length === 0)
    return markup`<h2>What changed</h2>
      <p>No package, unit or socket changed.</p>`;
  return markup`<h2>What changed</h2>
    ${
      packages.length === 0
        ? null
        : markup`<details${packages.length <= 20 ? markup` open` : null}><summary>${packages.length} ${packages.length === 1 ? 'package' : 'packages'}</summary>
<div class="wide" tabindex="0" role="region" aria-label="table"><table><thead><tr><th scope="col">Package</th><th scope="col">From</th><th scope="col">To</th></tr></thead><tbody>
${packages.slice(0, mostRows).map(
  ({ name, from, to }) =>
    markup`<tr>
      <td>${name}</td>
      <td>${from ?? 'not installed'}</td>
      <td>${to ?? 'removed'}</td>
    </tr>`,
)}</tbody></table></div></details>`
    }
    ${
      others.length === 0
        ? null
        : markup`<details open>
            <summary>Units and sockets</summary>
            <ul>
              ${others.slice(0, mostRows).map(([kind = '', name = '', what = '']) => markup`<li>${kind} ${name}: ${what}</li>`)}
            </ul>
          </details>`
    }`;
}

function checksSection({ report: { record } }: RunPage): Html | null {
  const { checksBefore, verdict, verdictAgain } = record;
  const runs = [checksBefore, verdict?.verdict.checks ?? [], verdictAgain?.verdict.checks ?? []];
  const names = [...new Set(runs.flatMap((checks) => checks.map(({ name }) => name)))];
  if (names.length === 0) return null;
  const cell = (check: CheckResult | undefined): Html =>
    check === undefined
      ? markup`<td>&ndash;</td>`
      : markup`<td>
          <span class="${check.status === 'passed' ? 'passed' : 'failed'}">${check.status}</span> in
          ${formatDuration(check.ms)}<br />${check.message}
        </td>`;
  return markup`<h2>Checks</h2>
    <div class="wide" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Before</th>
            <th scope="col">After the command</th>
            ${verdictAgain === null ? null : markup`<th scope="col">After the rollback</th>`}
          </tr>
        </thead>
        <tbody>
          ${names.map(
            (name) =>
              markup`<tr>
                <th scope="row">${name}</th>
                ${(verdictAgain === null ? runs.slice(0, 2) : runs).map((checks) => cell(checks.find((check) => check.name === name)))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function evidenceSection({ report: { record }, evidence }: RunPage): Html | null {
  const missing = record.evidence?.missing ?? [];
  if (evidence.length === 0 && missing.length === 0) return null;
  return markup`<h2>Evidence</h2>
    <p>Saved before the rollback.</p>
    ${orderedEvidence(evidence).map(
      ({ name, bytes, text }) =>
        markup`<details>
          <summary>${name} (${formatBytes(bytes)})</summary>
          <pre tabindex="0">${preformatted(text)}</pre>
        </details>`,
    )}
    ${missing.map((message) => markup`<p class="failed">Not saved: ${message}</p>`)}`;
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

function callSection({ report: { record, target } }: RunPage): Html {
  const { started } = record;
  const rows: readonly (readonly [string, string])[] = [
    ['Command', shellWords(target.command)],
    ['Instance', target.instance],
    ...(started === null
      ? []
      : ([
          ['Project', started.project],
          ['Remote', started.remote ?? 'the local server'],
          ['Host', started.holder.host],
          ['guard', started.version],
          ['Started', formatTime(started.at)],
        ] as const)),
    ['Run', record.run],
    ...(record.directory === '' ? [] : ([['Record', basename(record.directory)]] as const)),
  ];
  return markup`<h2>How it was called</h2>
    <table>
      <tbody>
        ${rows.map(
          ([name, value]) =>
            markup`<tr>
              <th scope="row">${name}</th>
              <td>${value}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

function footer(version: string): Html {
  return markup`<footer>Written by guard ${version}. This file needs no network and can be sent as it is.</footer>`;
}
