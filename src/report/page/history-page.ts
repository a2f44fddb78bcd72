import { formatDuration } from '../../duration.ts';
import type { RunSummary } from '../../journal/run-summary.ts';
import { shellWords } from '../../text.ts';
import { stateOf } from '../run-state.ts';
import { htmlDocument } from './document.ts';
import { markup, type Html } from './html.ts';
import { footer, label, section, table, timeText, toneOf } from './parts.ts';

/** The page of `guard runs --html`: past runs, newest first, with how long each took. `instance` is null for all. */
export function historyPage(page: {
  readonly instance: string | null;
  readonly runs: readonly RunSummary[];
  readonly version: string;
}): string {
  const { instance, runs, version } = page;
  const title = instance === null ? 'Runs on all instances' : `Runs on ${instance}`;
  return htmlDocument({
    title: `${title} – guard`,
    body: markup`<main>
<h1>${title}</h1>
${runs.length === 0 ? markup`<p>There are no runs.</p>` : markup`${totals(runs)}${plots(runs)}${runsSection(runs, instance === null)}`}
${footer(version)}
</main>`,
  });
}

/** The numbers that tell most, as tiles. */
function totals(runs: readonly RunSummary[]): Html {
  const changes = runs.filter((run) => run.ended !== null && !isRehearsal(run));
  const kept = changes.filter(({ ended }) => ended?.outcome.outcome === 'kept').length;
  const durations = runs.flatMap(({ ended }) => ended?.ms ?? []);
  const verdicts = runs.flatMap((run) => msToVerdict(run) ?? []);
  const tile = (name: string, value: string): Html => markup`<div class="tile"><dt>${name}</dt><dd>${value}</dd></div>`;
  const range = (list: readonly number[]): string =>
    list.length === 0 ? '–' : `${formatDuration(medianOf(list))}, at most ${formatDuration(Math.max(...list))}`;
  const states = [...new Set(runs.map((run) => stateOf(run).name))].map((name) => {
    const those = runs.filter((run) => stateOf(run).name === name);
    return markup`${label(`${those.length} × ${name}`, toneOf(those[0] === undefined ? 'yellow' : stateOf(those[0]).colour))} `;
  });
  return markup`<dl class="tiles">${tile('Kept', `${kept} of ${changes.length}`)}${tile('Duration, median', range(durations))}${tile('Time to verdict, median', range(verdicts))}</dl>
<p>${states}</p>`;
}

function medianOf(list: readonly number[]): number {
  const sorted = list.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

function isRehearsal({ started }: RunSummary): boolean {
  return started?.rehearsal !== undefined;
}

/** From the end of the command to the decision, in milliseconds; null where one of them is missing. */
function msToVerdict({ commandEnded, decided }: RunSummary): number | null {
  return commandEnded === null || decided === null ? null : Math.max(0, decided.at - commandEnded.at);
}

function plots(runs: readonly RunSummary[]): Html {
  return markup`${plot('Duration of each run', runs, ({ ended }) => ended?.ms ?? null)}
${plot('Time from the end of the command to the verdict', runs, msToVerdict)}`;
}

const plotHeight = 90;

/** A plot has room for at least so many bars, so that those of a few runs are not wide blocks. */
const fewestSlots = 12;

/** One bar for each run, oldest first. */
function plot(title: string, runs: readonly RunSummary[], measure: (run: RunSummary) => number | null): Html | null {
  const bars = runs.toReversed().flatMap((run) => {
    const ms = measure(run);
    return ms === null ? [] : [{ ms, tone: toneOf(stateOf(run).colour), run }];
  });
  if (bars.length < 2) return null;
  const longest = Math.max(1, ...bars.map(({ ms }) => ms));
  const width = 100 / Math.max(bars.length, fewestSlots);
  const [first, last] = [bars[0]?.run.started?.at, bars.at(-1)?.run.started?.at];
  return section(
    title,
    markup`<div class="plot"><span class="scale">${formatDuration(longest)}</span><svg width="100%" height="${plotHeight}" role="img" aria-label="${`${bars.length} runs, oldest first; the longest took ${formatDuration(longest)}`}">
<line class="axis" x1="0" x2="100%" y1="0.5" y2="0.5" /><line class="axis" x1="0" x2="100%" y1="${plotHeight - 0.5}" y2="${plotHeight - 0.5}" />
${bars.map(({ ms, tone }, index) => {
  const height = Math.max(2, (ms / longest) * plotHeight);
  return markup`<rect class="${tone}" x="${(index * width).toFixed(2)}%" y="${(plotHeight - height).toFixed(1)}" width="${(width * 0.8).toFixed(2)}%" height="${height.toFixed(1)}" />`;
})}</svg></div>
${first !== undefined && last !== undefined && markup`<p class="ends"><span>${timeText(first)} to ${timeText(last)}</span></p>`}`,
  );
}

function runsSection(runs: readonly RunSummary[], hasManyInstances: boolean): Html {
  return section(
    'Runs',
    table(
      'Runs',
      ['Run', 'Started', ...(hasManyInstances ? ['Instance'] : []), 'Outcome', 'Took', 'To the verdict', 'Command'],
      runs.map((run) => {
        const { started, ended } = run;
        const { name, colour, exitStatus } = stateOf(run);
        const verdictMs = msToVerdict(run);
        return {
          cells: [
            run.run,
            started === null ? '–' : timeText(started.at),
            ...(hasManyInstances ? [started?.instance ?? '–'] : []),
            markup`${label(name, toneOf(colour))}${exitStatus !== null && ` exit ${exitStatus}`}`,
            ended === null ? '–' : formatDuration(ended.ms),
            verdictMs === null ? '–' : formatDuration(verdictMs),
            markup`<code>${commandOf(run)}</code>`,
          ],
        };
      }),
      { isStacked: true },
    ),
  );
}

/** So many characters of a command are shown: a script can be long. */
const longestCommand = 200;

function commandOf(run: RunSummary): string {
  const words = shellWords(run.started?.command ?? []);
  const text = words.length > longestCommand ? `${words.slice(0, longestCommand)}…` : words;
  return isRehearsal(run) ? `rehearse: ${text}` : text;
}
