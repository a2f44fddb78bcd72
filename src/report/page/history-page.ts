import { formatDuration } from '../../duration.ts';
import type { RunSummary } from '../../journal/run-index.ts';
import { shellWords } from '../../text.ts';
import { stateOf } from '../run-state.ts';
import { formatTime } from '../time.ts';
import { htmlDocument } from './document.ts';
import { markup, type Html } from './html.ts';
import { toneOf } from './run-page.ts';

/** The page of `guard runs --markup`: past runs, newest first, with how long each took. `instance` is null for all. */
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
      ${runs.length === 0 ? markup`<p>There are no runs.</p>` : markup`${totals(runs)}${durationPlot(runs)}${table(runs)}`}
      <footer>Written by guard ${version}.</footer>
    </main>`,
  });
}

function totals(runs: readonly RunSummary[]): Html {
  const names = [...new Set(runs.map((run) => stateOf(run).name))];
  const counts = names.map((name) => {
    const those = runs.filter((run) => stateOf(run).name === name);
    const tone = toneOf(stateOf(those[0] ?? { started: null, ended: null }).colour);
    return markup`<span class="label ${tone}">${those.length} ${name}</span> `;
  });
  return markup`<p>${counts}</p>`;
}

const plotHeight = 80;

/** One bar a run, oldest first, as high as it took long. */
function durationPlot(runs: readonly RunSummary[]): Html | null {
  const ended = runs.filter(({ ended }) => ended !== null).toReversed();
  const longest = Math.max(1, ...ended.map((run) => run.ended?.ms ?? 0));
  if (ended.length < 2) return null;
  const width = 100 / ended.length;
  const bars = ended.map((run, index) => {
    const height = Math.max(2, ((run.ended?.ms ?? 0) / longest) * plotHeight);
    return markup`<rect
      class="${toneOf(stateOf(run).colour)}"
      x="${(index * width).toFixed(2)}%"
      y="${(plotHeight - height).toFixed(1)}"
      width="${(width * 0.8).toFixed(2)}%"
      height="${height.toFixed(1)}"
    />`;
  });
  return markup`<h2>How long the runs took</h2>
    <svg
      width="100%"
      height="${plotHeight}"
      role="img"
      aria-label="${`${ended.length} runs, oldest first; the longest took ${formatDuration(longest)}`}"
    >
      ${bars}
    </svg>
    <p>Oldest first. The longest took ${formatDuration(longest)}.</p>`;
}

function table(runs: readonly RunSummary[]): Html {
  const rows = runs.map((run) => {
    const { name, colour, exitStatus } = stateOf(run);
    const { started, ended } = run;
    return markup`<tr>
      <td class="mono">${run.run}</td>
      <td>${started === null ? '' : formatTime(started.at)}</td>
      <td>${started?.instance ?? ''}</td>
      <td><span class="label ${toneOf(colour)}">${name}</span>${exitStatus === null ? null : markup` ${exitStatus}`}</td>
      <td class="number">${ended === null ? '' : formatDuration(ended.ms)}</td>
      <td class="mono">${shellWords(started?.command ?? [])}</td>
    </tr>`;
  });
  return markup`<h2>Runs</h2>
    <div class="wide" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Started</th>
            <th scope="col">Instance</th>
            <th scope="col">Outcome</th>
            <th scope="col">Took</th>
            <th scope="col">Command</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}
