import type { RunState } from '../run-state.ts';
import { formatTime } from '../../time.ts';
import { markup, type Html } from './html.ts';

/** The colour of what a page says: `plain` where nothing is good or bad yet. */
export type Tone = 'good' | 'warn' | 'bad' | 'plain';

const tones = { green: 'good', yellow: 'warn', red: 'bad' } as const satisfies Record<RunState['colour'], Tone>;

/** The tone of an outcome's colour. */
export function toneOf(colour: RunState['colour']): Tone {
  return tones[colour];
}

/** An outcome or a state, in its colour. */
export function label(text: string, tone: Tone): Html {
  return markup`<span class="label ${tone}">${text}</span>`;
}

/** A time with its zone: the page is read by people in other places. */
export function timeText(at: number): Html {
  return markup`<time datetime="${new Date(at).toISOString()}">${formatTime(at)} ${zoneOf(at)}</time>`;
}

/** The same without the day where that is the day of `base`. */
export function clockText(at: number, base: number): Html {
  const [day, clock = ''] = formatTime(at).split(' ');
  if (day !== formatTime(base).split(' ')[0]) return timeText(at);
  return markup`<time datetime="${new Date(at).toISOString()}">${clock} ${zoneOf(at)}</time>`;
}

/** `UTC`, `UTC+1` or `UTC-3:30`. */
function zoneOf(at: number): string {
  const minutes = -new Date(at).getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

/** What stands in a cell of a table. */
export type Cell = Html | string | number | null;

export interface Row {
  /** The first cell is the row's heading. */
  readonly cells: readonly Cell[];
  readonly tone?: Tone;
}

export interface TableShape {
  /** More rows than this are only counted. */
  readonly most?: number;
  /** On a phone each row becomes a list, because its columns have no room there. Roles keep it a table for screen readers. */
  readonly isStacked?: boolean;
}

/** A table that scrolls by itself where the screen is too narrow for it. `name` is read out by screen readers. */
export function table(name: string, head: readonly string[], rows: readonly Row[], shape: TableShape = {}): Html {
  const { most = 500, isStacked = false } = shape;
  const rest = rows.length - most;
  const titled = (index: number): Html | false => isStacked && markup` role="cell" data-title="${head[index] ?? ''}"`;
  const role = (is: string): Html | false => isStacked && markup` role="${is}"`;
  return markup`<div class="wide" tabindex="0" role="group" aria-label="${name}"><table${isStacked && markup` class="stacked" role="table"`}>
${head.length > 0 && markup`<thead${role('rowgroup')}><tr${role('row')}>${head.map((title) => markup`<th scope="col"${role('columnheader')}>${title}</th>`)}</tr></thead>`}
<tbody${role('rowgroup')}>
${rows.slice(0, most).map(
  ({ cells: [first = null, ...others], tone }) =>
    markup`<tr${role('row')}${tone !== undefined && markup` class="${tone}"`}><th scope="row"${role('rowheader')}>${first}</th>${others.map((cell, index) => markup`<td${titled(index + 1)}>${cell}</td>`)}</tr>
`,
)}</tbody></table></div>${rest > 0 && markup`<p>and ${rest} more</p>`}`;
}

/** Something that is opened when it is wanted. */
export function folded(title: Html | string, content: Html, open = false): Html {
  return markup`<details${open && markup` open`}><summary>${title}</summary>${content}</details>`;
}

/** A section with its heading. */
export function section(title: string, content: Html, id: string | null = null): Html {
  return markup`<section${id !== null && markup` id="${id}"`}><h2>${title}</h2>${content}</section>`;
}

/** What a person may do next: a sentence, and the command for it. */
export interface NextStep {
  readonly text: string;
  readonly command: string | null;
}

export function nextStepList(steps: readonly NextStep[]): Html {
  return markup`${steps.map(
    ({ text, command }) =>
      markup`<div class="step">${text !== '' && markup`<p>${text}</p>`}${command !== null && copyable(command)}</div>`,
  )}`;
}

function copyable(command: string): Html {
  return markup`<div class="command"><code>${command}</code><button type="button" class="copy" hidden>Copy</button></div>`;
}

/** The first screen: what happened as a heading, and the answers to the three questions that everybody has. */
export interface FirstScreen {
  readonly tone: Tone;
  /** The command line. */
  readonly call: string;
  /** The outcome in a word or two. */
  readonly label: string;
  /** Short facts beside it: exit status, time, duration. */
  readonly facts: readonly (Html | string)[];
  readonly headline: Html | string;
  readonly found: { readonly title: string; readonly content: Html };
  readonly service: { readonly title: string; readonly answer: string; readonly tone: Tone; readonly content: Html };
  readonly next: Html;
}

export function firstScreen(screen: FirstScreen): Html {
  const { tone, call, facts, headline, found, service, next } = screen;
  return markup`<header class="summary ${tone}">
<p class="call"><code>${call}</code></p>
<h1>${headline}</h1>
<p class="facts">${label(screen.label, tone)}${facts.map((fact) => markup` <span>${fact}</span>`)}</p>
</header>
<div class="answers">
<section class="answer first"><h2>${found.title}</h2>${found.content}</section>
<section class="answer"><h2>${service.title}</h2><p class="big ${service.tone}">${service.answer}</p>${service.content}</section>
<section class="answer"><h2>What now?</h2>${next}</section>
</div>`;
}

export function footer(version: string): Html {
  return markup`<footer>Written by guard ${version}. This file needs no network and can be sent as it is.</footer>`;
}

/** A sentence begins with a capital; the name of an instance stays as it is written. */
export function sentence(text: string): string {
  return /^(the|a|an|you|nobody|no|it|rolled|go|try|or)\b/.test(text)
    ? `${text.charAt(0).toUpperCase()}${text.slice(1)}`
    : text;
}
