import { allowedOf, parallelOf, type Amount } from '../amount.ts';

/** How a rollout proceeds. */
export interface RolloutSettings {
  /** How many instances change at once. */
  readonly maxParallel: Amount;
  /** How many instances come first, alone; none of them may fail. */
  readonly canary: number;
  /** Between one wave and the next, in milliseconds. */
  readonly pauseMs: number;
  /** How many failures are allowed; one more stops the rollout. */
  readonly maxFailures: Amount;
  /** When the rollout stops, the instances that were kept are rolled back too. */
  readonly allOrNothing: boolean;
  /** The changes of a wave wait for a confirmation, and the next wave for them. */
  readonly confirms: boolean;
}

/**
 * Where one instance stands.
 * `failed`: not kept, and healthy again. `broken`: a person must look (exit statuses 20 and 21). `inconclusive`: nobody knows
 * whether the change works there. `unconfirmed`: rolled back because nobody confirmed its change, or somebody refused it.
 * `skipped`: left out at its turn. The last three are of `allOrNothing`.
 */
export type MemberState =
  | 'pending'
  | 'running'
  | 'kept'
  | 'failed'
  | 'broken'
  | 'inconclusive'
  | 'unconfirmed'
  | 'skipped'
  | 'reverting'
  | 'reverted'
  | 'revert-failed';

/** One instance of a rollout, as the planner sees it. */
export interface PlannedMember {
  readonly id: string;
  /** Never two instances of one group at once; null for none. */
  readonly group: string | null;
  readonly wave: Wave;
  readonly state: MemberState;
  /** A person has seen its failure, and resumed in spite of it: it counts no more. */
  readonly accepted: boolean;
}

/** The wave of an instance. Canary waves come first, and nothing begins beside them. */
export interface Wave {
  /** From 1. */
  readonly number: number;
  readonly canary: boolean;
}

/** All that the decision depends on. */
export interface RolloutProgress {
  readonly settings: RolloutSettings;
  /** In the order in which they begin. */
  readonly members: readonly PlannedMember[];
  /** How many instances the percentages are of. */
  readonly total: number;
  /** When the last wave ended, by the clock of `now`; null before. */
  readonly waveEndedAt: number | null;
  /** The user's wish to end it early. */
  readonly halt: 'interrupted' | 'aborted' | null;
}

/** Why a rollout does not go on. */
export type StopReason =
  'broken' | 'not-confirmed' | 'canary' | 'failures' | 'inconclusive' | 'interrupted' | 'aborted';

/** What to do now. */
export type Step =
  /** Begin the change on these, beside those that run already. */
  | { readonly kind: 'begin'; readonly ids: readonly string[] }
  /** Roll these kept ones back. */
  | { readonly kind: 'revert'; readonly ids: readonly string[] }
  /** Nothing until one of those under way has ended. */
  | { readonly kind: 'wait' }
  /** Nothing for so long: the pause between two waves, in milliseconds. */
  | { readonly kind: 'pause'; readonly ms: number }
  /** Nothing is under way, and nothing more is to be done. `stop` is null where every instance had its turn. */
  | { readonly kind: 'end'; readonly stop: StopReason | null };

/** The next step of a rollout. Pure: the same progress at the same time gives the same step. */
export function nextStep(progress: RolloutProgress, now: number): Step {
  const tally = tallyOf(progress);
  const stop = reasonOf(progress, tally);
  const isBusy = tally.running + tally.reverting > 0;
  if (stop !== null) {
    // Nothing is rolled back beside a change that still runs: its verdict would see neighbours come and go.
    if (tally.running > 0) return { kind: 'wait' };
    const ids = revertsAll(progress, stop) ? startable(progress, tally, 'kept') : [];
    if (ids.length > 0) return { kind: 'revert', ids };
    if (isBusy) return { kind: 'wait' };
    return { kind: 'end', stop: isCutOff(progress) ? 'interrupted' : stop };
  }
  const ms = isBusy ? 0 : pauseLeft(progress, tally, now);
  if (ms > 0) return { kind: 'pause', ms };
  const ids = startable(progress, tally, 'pending');
  if (ids.length > 0) return { kind: 'begin', ids };
  return isBusy ? { kind: 'wait' } : { kind: 'end', stop: null };
}

/** Why nothing more begins; null where the rollout goes on. What needs a person most comes first. */
export function stopReason(progress: RolloutProgress): StopReason | null {
  return reasonOf(progress, tallyOf(progress));
}

/** What one pass over the instances counts: there may be ten thousand, and each step asks. */
interface Tally {
  readonly running: number;
  readonly reverting: number;
  /** The groups of those under way. */
  readonly groups: ReadonlySet<string>;
  readonly failures: number;
  readonly canaryFailed: boolean;
  readonly broken: boolean;
  readonly unconfirmed: boolean;
  readonly inconclusive: boolean;
  /** The lowest wave that is not over; null where all are. */
  readonly current: Wave | null;
  /** Whether an instance of that wave had its turn. */
  readonly currentBegan: boolean;
}

function tallyOf({ members }: RolloutProgress): Tally {
  const groups = new Set<string>();
  let running = 0;
  let reverting = 0;
  let failures = 0;
  let canaryFailed = false;
  let broken = false;
  let unconfirmed = false;
  let inconclusive = false;
  let current: Wave | null = null;
  let lowest = Infinity;
  let lastBegun = 0;
  for (const { state, group, wave, accepted } of members) {
    const { number } = wave;
    if ((state === 'pending' || state === 'running') && number < lowest) {
      lowest = number;
      current = wave;
    }
    if (state === 'pending') continue;
    if (number > lastBegun) lastBegun = number;
    if (state === 'running' || state === 'reverting') {
      if (state === 'running') running += 1;
      else reverting += 1;
      if (group !== null) groups.add(group);
    } else if ((state === 'failed' || state === 'broken') && !accepted) {
      failures += 1;
      canaryFailed ||= wave.canary;
      broken ||= state === 'broken';
    } else if (state === 'inconclusive') inconclusive = true;
    else if (state === 'unconfirmed') unconfirmed ||= !accepted;
  }
  const currentBegan = lastBegun >= lowest;
  return {
    running,
    reverting,
    groups,
    failures,
    canaryFailed,
    broken,
    unconfirmed,
    inconclusive,
    current,
    currentBegan,
  };
}

function reasonOf({ settings, total, halt }: RolloutProgress, tally: Tally): StopReason | null {
  if (tally.broken) return 'broken';
  // Whoever watches the rollout did not want it: no number of failures that are allowed says otherwise.
  if (tally.unconfirmed) return 'not-confirmed';
  if (tally.canaryFailed) return 'canary';
  if (tally.failures > allowedOf(settings.maxFailures, total)) return 'failures';
  return halt ?? (tally.inconclusive ? 'inconclusive' : null);
}

/** Not where it can go on: after an interruption, and where it waits for a person. */
function revertsAll({ settings, halt }: Pick<RolloutProgress, 'settings' | 'halt'>, stop: StopReason): boolean {
  return settings.allOrNothing && halt !== 'interrupted' && stop !== 'interrupted' && stop !== 'inconclusive';
}

/** Whether these are a rollout that rolls back what it kept, or would if nothing interrupted it. */
export function isGoingBack(progress: RolloutProgress): boolean {
  const stop = stopReason({ ...progress, halt: progress.halt === 'aborted' ? 'aborted' : null });
  return stop !== null && revertsAll({ settings: progress.settings, halt: null }, stop);
}

/** Interrupted while kept ones wait to be rolled back: a resume goes on with that. */
function isCutOff(progress: RolloutProgress): boolean {
  return (
    progress.halt === 'interrupted' && progress.members.some(({ state }) => state === 'kept') && isGoingBack(progress)
  );
}

/** How much of the pause before a wave is left, in milliseconds; 0 where the wave has begun before. */
function pauseLeft({ settings, waveEndedAt }: RolloutProgress, { current, currentBegan }: Tally, now: number): number {
  return current === null || waveEndedAt === null || currentBegan
    ? 0
    : Math.max(0, waveEndedAt + settings.pauseMs - now);
}

/**
 * As many as there is room for, no two of one group. With a pause, or beside a canary, only those of the current wave begin;
 * else whoever comes next. The last that began is the first that is rolled back.
 */
function startable(progress: RolloutProgress, tally: Tally, from: 'pending' | 'kept'): string[] {
  const { members, settings, total } = progress;
  const isStrict = from === 'pending' && (settings.pauseMs > 0 || settings.confirms || tally.current?.canary === true);
  const groups = new Set(tally.groups);
  let room = parallelOf(settings.maxParallel, total) - tally.running - tally.reverting;
  const ids: string[] = [];
  for (let index = 0; index < members.length && room > 0; index += 1) {
    const member = members[from === 'pending' ? index : members.length - 1 - index];
    if (member?.state !== from || (member.group !== null && groups.has(member.group))) continue;
    if (isStrict && member.wave.number !== tally.current?.number) continue;
    if (member.group !== null) groups.add(member.group);
    ids.push(member.id);
    room -= 1;
  }
  return ids;
}

/**
 * Puts the instances into waves, in their order: first the canary, then as many at once as may be, no two of one group in a
 * wave. Percentages are of `total`.
 */
export function assignWaves<T extends { readonly group: string | null }>(
  members: readonly T[],
  settings: Pick<RolloutSettings, 'canary' | 'maxParallel'>,
  total: number = members.length,
): (T & { readonly wave: Wave })[] {
  const size = parallelOf(settings.maxParallel, total);
  const waves = [
    ...packed(members.slice(0, settings.canary), size).map((wave) => ({ wave, canary: true })),
    ...packed(members.slice(settings.canary), size).map((wave) => ({ wave, canary: false })),
  ];
  return waves.flatMap(({ wave, canary }, index) =>
    wave.map((member) => ({ ...member, wave: { number: index + 1, canary } })),
  );
}

function packed<T extends { readonly group: string | null }>(members: readonly T[], size: number): T[][] {
  const waves: { readonly members: T[]; readonly groups: Set<string> }[] = [];
  // Full waves are not looked at again: ten thousand instances are packed in milliseconds.
  let open = 0;
  for (const member of members) {
    const { group } = member;
    const found = waves
      .slice(open)
      .find((wave) => wave.members.length < size && !(group !== null && wave.groups.has(group)));
    const wave = found ?? { members: [], groups: new Set<string>() };
    if (found === undefined) waves.push(wave);
    wave.members.push(member);
    if (group !== null) wave.groups.add(group);
    while ((waves[open]?.members.length ?? 0) >= size) open += 1;
  }
  return waves.map(({ members }) => members);
}
