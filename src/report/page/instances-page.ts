import { formatDuration } from '../../duration.ts';
import { shellWords } from '../../text.ts';
import { isGood } from '../../run/outcome.ts';
import { summarizeOutcome } from '../outcome-summary.ts';
import { describeMemberEnd } from '../rollout-text.ts';
import { stateOf } from '../run-state.ts';
import { htmlDocument } from './document.ts';
import { markup, type Html } from './html.ts';
import { firstScreen, folded, footer, section, sentence, table, toneOf, type FirstScreen, type Tone } from './parts.ts';
import { commandOutput, pairPage, runArticle, runPage, type RunPage } from './run-page.ts';
import { failureLog } from './run-summary.ts';

/** One of several instances on a page. */
export interface InstanceCard {
  readonly name: string;
  /** How it stands, in a word or two. */
  readonly state: string;
  readonly tone: Tone;
  /** Its wave, as a heading; null where there are none. */
  readonly wave: string | null;
  /** How long its change took, in milliseconds; null where it is not over. */
  readonly ms: number | null;
  /** Why it is not kept, in one sentence; empty where it is. */
  readonly reason: string;
  /** The run's id, if it has a record. */
  readonly run: string | null;
  /** What is known of its run here; null for nothing. */
  readonly page: RunPage | null;
}

/** Instances that are not kept for the same cause. */
export interface CauseGroup {
  readonly reason: string;
  readonly cards: readonly InstanceCard[];
}

/** Several runs, or a run with its rehearsal, on one page. */
export function runsPage(pages: readonly RunPage[], version: string): string {
  const [first, second] = pages;
  if (first === undefined)
    return htmlDocument({
      title: 'Nothing to do – guard',
      body: markup`<main><h1>There was nothing to do.</h1>${footer(version)}</main>`,
    });
  if (second === undefined) return runPage(first);
  if (pages.length === 2 && isPair(first, second)) return pairOf(first, second);
  const hasRuns = pages.some((page) => !isRehearsal(page));
  const cards = pages.map((page) => cardOf(page, hasRuns));
  const [worst] = cards.toSorted((one, other) => severity(other) - severity(one));
  const tone = worst?.tone ?? 'plain';
  const commands = new Set(pages.map(({ report }) => shellWords(report.target.command)));
  return instancesPage({
    title: `${pages.length} instances`,
    cards,
    version,
    first: {
      tone,
      call: commands.size === 1 ? [...commands].join('') : `${commands.size} commands`,
      label: `${pages.length} instances`,
      facts: [],
      headline: countText(cards),
      found: foundIn(cards),
      service: servicesOf(cards),
      next: markup`<p>${tone === 'good' ? 'Nothing.' : 'Look at the instances below, the red ones first.'}</p>`,
    },
  });
}

/** Exactly a rehearsal and the run on the same instance. */
function isPair(one: RunPage, other: RunPage): boolean {
  return isRehearsal(one) !== isRehearsal(other) && one.report.target.instance === other.report.target.instance;
}

function isRehearsal({ report }: RunPage): boolean {
  return report.target.rehearsal === true;
}

/** The run is what counts, once it has begun. */
function pairOf(one: RunPage, other: RunPage): string {
  const [rehearsal, run] = isRehearsal(one) ? [one, other] : [other, one];
  return run.report.state === 'not-started' ? pairPage(rehearsal, run) : pairPage(run, rehearsal);
}

/** `isNamed`: a rehearsal is told from the run on the same instance by its name. */
function cardOf(page: RunPage, isNamed: boolean): InstanceCard {
  const { report } = page;
  const { record, target, facts } = report;
  const { colour } = stateOf(record);
  const isToCome = report.state === 'not-started';
  return {
    name: `${target.instance}${isRehearsal(page) && isNamed ? ' (rehearsal)' : ''}`,
    state: isToCome ? 'not started' : stateText(page),
    tone: isToCome ? 'plain' : toneOf(colour),
    wave: null,
    ms: record.ended?.ms ?? null,
    reason: reasonOf(page),
    run: facts.recorded ? record.run : null,
    page,
  };
}

/** Empty where nothing failed. */
function reasonOf({ report: { record, facts } }: RunPage): string {
  const outcome = record.ended?.outcome;
  if (outcome === undefined || isGood(outcome) || outcome.outcome === 'waiting') return '';
  return describeMemberEnd(outcome, facts);
}

/** To be read after a number. */
function stateText({ report: { record, facts } }: RunPage): string {
  if (record.ended === null) return stateOf(record).name;
  const { outcome } = record.ended;
  switch (outcome.outcome) {
    case 'rehearsal-passed':
      return 'passed in the rehearsal';
    case 'rehearsal-failed':
      return 'failed in the rehearsal';
    default:
      return summarizeOutcome(outcome, facts).label.replace('ROLLBACK FAILED', 'rollback failed');
  }
}

const order: readonly Tone[] = ['good', 'plain', 'warn', 'bad'];

function severity({ tone }: InstanceCard): number {
  return order.indexOf(tone);
}

/** `38 kept, 2 rolled back for the same cause`. */
export function countText(cards: readonly InstanceCard[]): string {
  const states = [...new Set(cards.map(({ state }) => state))];
  return states
    .map((state) => {
      const those = cards.filter((card) => card.state === state);
      const causes = causesOf(those);
      const isExplained = causes.length > 0 && those.every(({ reason }) => reason !== '') && those.length > 1;
      const why = !isExplained ? '' : causes.length === 1 ? ' for the same cause' : ` for ${causes.length} causes`;
      return `${those.length} ${state}${why}`;
    })
    .join(', ');
}

/** Instances that are not kept, by their cause; the most frequent first. */
export function causesOf(cards: readonly InstanceCard[]): readonly CauseGroup[] {
  const groups = new Map<string, InstanceCard[]>();
  for (const card of cards) {
    if (card.reason === '') continue;
    const key = causeKey(card);
    groups.set(key, [...(groups.get(key) ?? []), card]);
  }
  return [...groups.values()]
    .map((group) => ({ reason: group[0]?.reason ?? '', cards: group }))
    .toSorted((one, other) => other.cards.length - one.cards.length);
}

/** The same cause differs in numbers (times, restarts, process ids) and in the name of the instance. */
function causeKey({ reason, name }: InstanceCard): string {
  const withoutName = name.length < 2 ? reason : reason.replaceAll(name, '·');
  return withoutName.replace(/\d+(\.\d+)?/g, '#').replace(/\brestarts?\b/g, 'restart');
}

/** What the first screen says of several instances. */
export function foundIn(cards: readonly InstanceCard[]): FirstScreen['found'] {
  const causes = causesOf(cards);
  const [first] = causes;
  if (first === undefined)
    return {
      title: 'What was found',
      content: markup`<p class="reason">${cards.every(({ tone }) => tone === 'good') ? 'Every instance is healthy after the change.' : 'No failure is known.'}</p>`,
    };
  return {
    title: 'What failed',
    content: markup`${causes
      .slice(0, 3)
      .map(
        ({ reason, cards: those }) =>
          markup`<p class="reason">${sentence(reason)}</p><p class="caption">${namesOf(those, 6)}</p>${logOf(those)}`,
      )}${causes.length > 3 && markup`<p>and ${causes.length - 3} more causes, below</p>`}`,
  };
}

/** The log lines of the first of them whose run is known. */
function logOf(cards: readonly InstanceCard[]): Html | null {
  const page = cards.map((card) => card.page).find((one) => one !== null && one.report.state === 'ended') ?? null;
  return page === null ? null : failureLog(page.report, commandOutput(page));
}

/** Whether the services of all instances are back. */
export function servicesOf(cards: readonly InstanceCard[]): FirstScreen['service'] {
  const touched = cards.filter(({ page }) => page === null || !isRehearsal(page));
  if (touched.length > 0) return stateOfServices(touched);
  return {
    title: 'Were the instances touched?',
    answer: 'No',
    tone: 'good',
    content: markup`<p>Everything happened on isolated copies.</p>`,
  };
}

function stateOfServices(cards: readonly InstanceCard[]): FirstScreen['service'] {
  const title = 'Are the services back?';
  const bad = cards.filter(({ tone }) => tone === 'bad');
  if (bad.length > 0)
    return {
      title,
      answer: `No: ${bad.length} of ${cards.length}`,
      tone: 'bad',
      content: markup`<p>A person must look at ${namesOf(bad, 10)}.</p>`,
    };
  const unknown = cards.filter(
    ({ tone, state }) => tone === 'plain' && state !== 'not begun' && state !== 'not started',
  );
  if (unknown.length > 0)
    return {
      title,
      answer: 'Not known yet',
      tone: 'warn',
      content: markup`<p>Not over: ${namesOf(unknown, 10)}.</p>`,
    };
  return { title, answer: 'Yes', tone: 'good', content: markup`<p>Every instance that was touched is healthy.</p>` };
}

function namesOf(cards: readonly InstanceCard[], most: number): string {
  const rest = cards.length - most;
  return `${cards
    .slice(0, most)
    .map(({ name }) => name)
    .join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** The page of several instances: the answers, the grid, the causes, and the run of one instance for each cause. */
export function instancesPage(page: {
  readonly title: string;
  readonly first: FirstScreen;
  readonly cards: readonly InstanceCard[];
  readonly version: string;
}): string {
  const { title, first, cards, version } = page;
  const causes = causesOf(cards);
  return htmlDocument({
    title: `${title} – guard`,
    body: markup`<main>${firstScreen(first)}${gridSection(cards, causes)}${causesSection(causes)}${runsSection(causes, cards)}${tableSection(cards)}${footer(version)}</main>`,
  });
}

/** More instances than this are counted, so that the page of ten thousand stays small: those that are kept go first. */
const mostCards = 400;

function gridSection(cards: readonly InstanceCard[], causes: readonly CauseGroup[]): Html {
  const shown = new Set([...cards].toSorted((one, other) => severity(other) - severity(one)).slice(0, mostCards));
  const waves = [...new Set(cards.map(({ wave }) => wave))];
  const numbers = new Map(causes.flatMap((cause, index) => cause.cards.map((card) => [card, index + 1] as const)));
  return section(
    waves.length > 1 ? 'Instances by wave' : 'Instances',
    markup`${waves.map((wave) => {
      const those = cards.filter((card) => card.wave === wave);
      const some = those.filter((card) => shown.has(card));
      const rest = those.length - some.length;
      return markup`${wave !== null && markup`<h3>${wave}: <span class="count">${countText(those)}</span></h3>`}
<ul class="grid">${some.map((card) => cardItem(card, numbers.get(card) ?? null))}</ul>${rest > 0 && markup`<p>and ${rest} more</p>`}`;
    })}`,
  );
}

function cardItem({ name, state, tone, ms }: InstanceCard, cause: number | null): Html {
  return markup`<li class="${tone}"><strong>${name}</strong> <span>${state}${ms !== null && `, ${formatDuration(ms)}`}</span>${cause !== null && markup` <a href="#cause-${cause}">cause ${cause}</a>`}</li>
`;
}

/** So many instances of one cause are named. */
const mostNamed = 100;

function causesSection(causes: readonly CauseGroup[]): Html | null {
  if (causes.length === 0) return null;
  return section(
    'Causes',
    markup`${causes.slice(0, 20).map(
      ({ reason, cards }, index) => markup`<div class="cause" id="cause-${index + 1}">
<p class="reason">${index + 1}. ${sentence(reason)}</p>
<p>${countText(cards.map((card) => ({ ...card, reason: '' })))}: ${namesOf(cards, mostNamed)}.</p>
</div>`,
    )}${causes.length > 20 && markup`<p>and ${causes.length - 20} more</p>`}`,
  );
}

/** Characters of the runs that are on the page, and of one of them. */
const mostCharacters = 120_000;

/** One run for each cause, as long as there is room; without causes the first ones. */
function runsSection(causes: readonly CauseGroup[], cards: readonly InstanceCard[]): Html | null {
  const examples = causes.length > 0 ? causes.flatMap(({ cards: [card] }) => card ?? []) : cards.slice(0, 3);
  let room = mostCharacters;
  const articles = examples.flatMap(({ page, name, state }) => {
    if (page === null || page.report.record.events.length === 0) return [];
    // Evidence is left to the page of the run itself.
    const article = runArticle({
      ...page,
      evidence: page.evidence.filter(({ name: file }) => file === 'command-output.txt'),
    });
    room -= article.text.length;
    return room < 0 ? [] : [folded(`${name}: ${state}`, article)];
  });
  return articles.length === 0
    ? null
    : section(causes.length > 0 ? 'One run for each cause' : 'Runs', markup`${articles}`);
}

/** The most rows of the table of instances. */
const mostRows = 300;

function tableSection(cards: readonly InstanceCard[]): Html {
  const rows = cards.map(({ name, wave, state, ms, run, tone }) => ({
    cells: [name, ...(wave === null ? [] : [wave]), state, ms === null ? '–' : formatDuration(ms), run ?? '–'],
    tone,
  }));
  const hasWaves = cards.some(({ wave }) => wave !== null);
  const head = ['Instance', ...(hasWaves ? ['Wave'] : []), 'State', 'Took', 'Run'];
  return folded('All instances as a table', table('All instances', head, rows, { most: mostRows, isStacked: true }));
}
