import { formatDuration } from '../../duration.ts';
import type { WatchObservation } from '../../event.ts';
import { phaseTitles } from '../format.ts';
import type { RunReport } from '../run-report.ts';
import { markup, type Html } from './html.ts';
import { folded, section, timeText } from './parts.ts';
import { timelineOf, type Timeline, type TimelineRow } from './timeline.ts';

/** The phases of a run to scale, with the downtime and each observation of the watch. */
export function timelineSection({ record }: RunReport): Html | null {
  if (record.phases.length === 0) return null;
  const timeline = timelineOf(record);
  const { whole, rows, downtime } = timeline;
  const length = lengthOf(timeline);
  const isObserved = rows.some(({ observations }) => observations.length > 0);
  return section(
    'Timeline',
    markup`<p>${timeText(whole.from)}, ${formatDuration(length)}.</p>
<p class="legend"><span class="key bar"></span> phase ${rows.some(({ result }) => result?.ok === false) && markup`<span class="key failed"></span> failed phase`}
${downtime !== null && markup`<span class="key down"></span> instance stopped`}
${isObserved && markup`<span class="key waiting"></span> observation with findings <span class="key healthy"></span> observation without`}</p>
<ol class="timeline">
${rows.map((row) => rowItem(row, timeline))}
<li class="axis" aria-hidden="true"><span></span><span>0</span><span>${formatDuration(length / 2)}</span><span>${formatDuration(length)}</span></li>
</ol>
${rows.map((row) => observationList(row, whole.from))}`,
  );
}

function lengthOf({ whole }: Timeline): number {
  return Math.max(1, whole.to - whole.from);
}

function rowItem(row: TimelineRow, timeline: Timeline): Html {
  const { phase, span, result } = row;
  const isBad = result?.ok === false;
  return markup`<li${isBad && markup` class="bad"`}><span class="phase">${phaseTitles[phase]}</span> <span class="took">${formatDuration(span.to - span.from)}</span> <span class="result">${result?.message ?? (phase === 'confirm' ? 'waiting' : 'not ended')}</span>${bars(row, timeline)}</li>
`;
}

function bars({ span, result, observations }: TimelineRow, timeline: Timeline): Html {
  const { whole, downtime } = timeline;
  const length = lengthOf(timeline);
  const percent = (at: number): string => `${(((at - whole.from) / length) * 100).toFixed(2)}%`;
  const width = (from: number, to: number): string => `${Math.max(0.4, ((to - from) / length) * 100).toFixed(2)}%`;
  return markup`<svg width="100%" height="20" aria-hidden="true">${
    downtime !== null &&
    markup`<rect class="down" x="${percent(downtime.from)}" y="0" width="${width(downtime.from, downtime.to ?? whole.to)}" height="20" />`
  }<rect class="bar${result?.ok === false && ' failed'}" x="${percent(span.from)}" y="5" width="${width(span.from, span.to)}" height="10" />${observations.map(
    ({ at, waitingFor }) =>
      markup`<rect class="${waitingFor > 0 ? 'waiting' : 'healthy'}" x="${percent(at)}" y="1" width="2" height="18" />`,
  )}</svg>`;
}

/** What the observations of one verification showed, each change once. */
function observationList({ phase, observations }: TimelineRow, from: number): Html | null {
  const changes = observations.filter(
    (one, index) => one.message !== undefined || one.waitingFor > 0 !== (observations[index - 1]?.waitingFor ?? -1) > 0,
  );
  if (changes.length === 0) return null;
  const count = observations.length;
  return folded(
    `${phaseTitles[phase]}: ${count} ${count === 1 ? 'observation' : 'observations'}`,
    markup`<ul>${changes.map((one) => markup`<li>after ${formatDuration(one.at - from)}: ${describeObservation(one)}</li>`)}</ul>`,
  );
}

function describeObservation({ waitingFor, message }: WatchObservation): string {
  if (waitingFor === 0) return 'everything is as before the change';
  const more = waitingFor > 1 ? ` (and ${waitingFor - 1} more)` : '';
  return `${message ?? 'the same finding'}${more}`;
}
