import type { MemberRecord, RolloutRecord } from '../../rollout/record.ts';
import { shellWords } from '../../text.ts';
import { describeLife, rolloutNextSteps, stateName, type LookAtHolder } from '../rollout-text.ts';
import { markup } from './html.ts';
import { countText, foundIn, instancesPage, servicesOf, type InstanceCard } from './instances-page.ts';
import { nextStepList, sentence, timeText, type Tone } from './parts.ts';
import type { RunPage } from './run-page.ts';

/** The page of a rollout. `runs` are the pages of its runs by the label of the instance, as far as they are known. */
export function rolloutPage(page: {
  readonly record: RolloutRecord;
  readonly runs: ReadonlyMap<string, RunPage>;
  readonly lookAtHolder: LookAtHolder;
  readonly version: string;
}): string {
  const { record, runs, lookAtHolder, version } = page;
  const cards = record.members.map((member) => cardOf(member, runs.get(member.label) ?? null));
  const life = describeLife(record, lookAtHolder);
  const next = rolloutNextSteps(record, lookAtHolder);
  return instancesPage({
    title: `rollout of ${record.members.length}`,
    cards,
    version,
    first: {
      tone: toneOfRollout(record, cards),
      call: `guard … -- ${shellWords(record.command)}`,
      label: record.status === 'running' ? 'in progress' : record.status,
      facts: [timeText(record.startedAt), `host ${record.holder.host}`, `rollout ${record.id}`],
      headline: `The rollout ${life}: ${countText(cards)}.`,
      found: foundIn(cards),
      service: servicesOf(cards),
      next:
        next.length === 0
          ? markup`<p>${record.status === 'running' ? 'Wait until it ends.' : 'Nothing.'}</p>`
          : nextStepList(next.map(({ text, command }) => ({ text: sentence(text), command }))),
    },
  });
}

const tones = {
  pending: 'plain',
  running: 'plain',
  kept: 'good',
  failed: 'warn',
  broken: 'bad',
  inconclusive: 'warn',
  unconfirmed: 'warn',
  skipped: 'plain',
  reverting: 'plain',
  reverted: 'warn',
  'revert-failed': 'bad',
} as const satisfies Record<MemberRecord['state'], Tone>;

function cardOf(member: MemberRecord, page: RunPage | null): InstanceCard {
  const { label, state, wave, ms, message, run, outcome } = member;
  return {
    name: label,
    state: stateName(member).toLowerCase(),
    tone: outcome === 'kept-unhealthy' ? 'bad' : tones[state],
    wave: waveTitle(wave),
    ms,
    reason: state === 'kept' ? '' : message,
    run,
    page,
  };
}

function waveTitle({ number, canary }: MemberRecord['wave']): string {
  if (number === 0) return 'Before the resume';
  return canary ? `Wave ${number}, canary` : `Wave ${number}`;
}

function toneOfRollout({ status }: RolloutRecord, cards: readonly InstanceCard[]): Tone {
  if (cards.some(({ tone }) => tone === 'bad')) return 'bad';
  if (status === 'running') return 'plain';
  return status === 'complete' && cards.every(({ tone }) => tone === 'good') ? 'good' : 'warn';
}
