import type { Outcome } from '../event.ts';
import { formatDuration } from '../duration.ts';
import { allowedOf, formatAmount, parallelOf } from '../amount.ts';
import type { RolloutSettings, Wave } from '../rollout/planner.ts';
import { waitingMessage, type MemberRecord, type RolloutRecord } from '../rollout/record.ts';
import { neutralise, shellWords } from '../text.ts';
import { summarizeOutcome } from './outcome-summary.ts';
import type { RunFacts } from './run-facts.ts';
import { formatTime } from '../time.ts';

/** How each state of an instance is called. */
const stateNames = {
  pending: 'not started',
  running: 'in progress',
  kept: 'kept',
  failed: 'not kept',
  broken: 'NEEDS A PERSON',
  inconclusive: 'inconclusive',
  unconfirmed: 'not confirmed, rolled back',
  skipped: 'skipped',
  reverting: 'rolling back',
  reverted: 'rolled back too',
  'revert-failed': 'NOT ROLLED BACK',
} as const satisfies Record<MemberRecord['state'], string>;

/** The state of an instance in a word or two. */
export function stateName({ state, outcome }: Pick<MemberRecord, 'state' | 'outcome'>): string {
  return state === 'failed' && outcome === 'rolled-back' ? 'rolled back' : stateNames[state];
}

/** `3`, or `canary`. */
export function waveName({ number, canary }: Wave): string {
  if (number === 0) return '-';
  return canary ? 'canary' : String(number);
}

/** How a rollout would go, or goes, in a sentence. */
export function describeRollout(members: readonly { readonly wave: Wave }[], settings: RolloutSettings): string {
  const total = members.length;
  const waves = new Set(members.map(({ wave }) => wave.number)).size;
  const canary = members.filter(({ wave }) => wave.canary).length;
  const parallel = parallelOf(settings.maxParallel, total);
  const failures = allowedOf(settings.maxFailures, total);
  return [
    `${total} ${total === 1 ? 'instance' : 'instances'} in ${waves} ${waves === 1 ? 'wave' : 'waves'}`,
    ...(canary === 0 ? [] : [`the first ${canary === 1 ? 'one' : canary} as the canary`]),
    `${parallel} at a time${'percent' in settings.maxParallel ? ` (${formatAmount(settings.maxParallel)})` : ''}`,
    ...(settings.pauseMs === 0 ? [] : [`${formatDuration(settings.pauseMs)} between waves`]),
    `${failures === 1 ? '1 failure' : `${failures} failures`} allowed${'percent' in settings.maxFailures ? ` (${formatAmount(settings.maxFailures)})` : ''}`,
    ...(settings.confirms ? ['each wave waits for a confirmation'] : []),
    ...(settings.allOrNothing ? ['all or nothing'] : []),
  ].join(', ');
}

/** The waves of a rollout, one a line. */
function waveLines(members: readonly Pick<MemberRecord, 'label' | 'wave' | 'group'>[]): string[] {
  const numbers = [...new Set(members.map(({ wave }) => wave.number))].toSorted((a, b) => a - b);
  return numbers.map((number) => {
    const wave = members.filter((member) => member.wave.number === number);
    const names = wave.map(({ label, group }) => neutralise(group === null ? label : `${label} (${group})`, 300));
    const title = wave[0]?.wave.canary === true ? `wave ${number}, canary` : `wave ${number}`;
    return `  ${title}: ${bounded(names, 50)}`;
  });
}

/** More rows than this are summed up: only what went wrong is then told one by one. */
const mostRows = 40;

/** The instances of a rollout as a table. */
export function rolloutTable(members: readonly MemberRecord[]): string[] {
  const shown =
    members.length <= mostRows ? members : members.filter((member) => isWorthARow(member)).slice(0, mostRows);
  const rows = shown.map((member) => [
    neutralise(member.label, 100),
    waveName(member.wave),
    stateName(member),
    member.ms === null ? '' : formatDuration(member.ms),
    reasonOf(member),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
  const rest = members.length - shown.length;
  return rest === 0
    ? lines
    : [...lines, `  and ${rest} more: ${countStates(members.filter((member) => !shown.includes(member)))}`];
}

function isWorthARow({ state }: MemberRecord): boolean {
  return state !== 'kept' && state !== 'pending' && state !== 'reverted';
}

/** Where a record of the run says more. A run that was refused has none. */
const hasRecord: readonly MemberRecord['state'][] = [
  'failed',
  'broken',
  'inconclusive',
  'unconfirmed',
  'revert-failed',
];

function reasonOf({ message, lostMs, run, state, outcome }: MemberRecord): string {
  return [
    ...(message === '' ? [] : [neutralise(message, 300)]),
    ...(lostMs === null ? [] : [`what was written in the ${formatDuration(lostMs)} before the rollback is lost`]),
    ...(run === null || !hasRecord.includes(state) || outcome === 'refused' || outcome === 'busy'
      ? []
      : [`guard show ${run}`]),
  ].join('; ');
}

/** `12 kept, 1 rolled back, 3 not begun`. */
export function countStates(members: readonly Pick<MemberRecord, 'state' | 'outcome'>[]): string {
  const counts = new Map<string, number>();
  for (const member of members) counts.set(stateName(member), (counts.get(stateName(member)) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}

/** The last words about a rollout: what it came to, the table, and where to go from here. */
export function rolloutSummary(record: RolloutRecord, exitStatus: number): string[] {
  return [
    `rollout ${record.id} ${describeEnd(record)}: ${countStates(record.members)} (exit status ${exitStatus})`,
    ...rolloutTable(record.members),
    ...nextLines(record),
  ];
}

function describeEnd({ status, stop, members }: RolloutRecord): string {
  switch (stop) {
    case null:
      return status === 'running' ? 'is in progress' : status === 'complete' ? 'is complete' : `is ${status}`;
    case 'broken':
      return 'stopped, because a person must look at an instance';
    case 'not-confirmed':
      return 'stopped, because a change was not confirmed';
    case 'canary':
      return 'stopped, because the canary was not kept';
    case 'failures': {
      const failures = members.filter(({ state, accepted }) => state === 'failed' && !accepted).length;
      return `stopped, because ${failures === 1 ? 'one failure is' : `${failures} failures are`} more than allowed`;
    }
    case 'inconclusive':
      if (members.some(({ outcome }) => outcome === 'waiting'))
        return 'paused, because changes wait for a confirmation';
      return members.some(({ outcome }) => outcome === 'refused' || outcome === 'busy')
        ? 'paused, because guard refused the run on an instance'
        : 'paused, because the health of an instance could not be determined';
    case 'interrupted':
      return 'was interrupted';
    case 'aborted':
      return 'was ended';
    case 'taken-over':
      return 'was taken over by another host';
    case 'internal-error':
      return 'was ended by a bug in guard';
  }
}

function nextLines(record: RolloutRecord): string[] {
  const steps = nextSteps(record);
  if (steps.length === 0) return [];
  return [
    `  command: ${neutralise(shellWords(record.command), 500)}`,
    ...steps.map(({ text, command }) => `  ${text} ${command}`),
  ];
}

/** What a person can do next with a rollout. */
export function rolloutNextSteps(record: RolloutRecord, lookAtHolder: LookAtHolder): readonly RolloutStep[] {
  return nextSteps(isInterrupted(record, lookAtHolder) ? { ...record, status: 'interrupted' } : record);
}

interface RolloutStep {
  readonly text: string;
  readonly command: string;
}

function nextSteps({ id, status, stop, isAborting, isGoingBack, members }: RolloutRecord): readonly RolloutStep[] {
  if (status === 'complete' || status === 'aborted' || status === 'running') return [];
  if (stop === 'taken-over')
    return [{ text: 'see on that host how it goes on:', command: `guard rollout status ${id}` }];
  const end = { text: 'or end the rollout:', command: `guard rollout abort ${id}` };
  if (isAborting) return [{ ...end, text: 'go on with ending the rollout:' }];
  if (status === 'interrupted' && isGoingBack)
    return [{ text: 'go on with rolling back what was kept:', command: `guard rollout resume ${id}` }, end];
  const failed = members.some(({ state }) => state === 'failed' || state === 'unconfirmed');
  const left = members.some(
    ({ state }) =>
      state !== 'kept' && state !== 'failed' && state !== 'unconfirmed' && state !== 'broken' && state !== 'skipped',
  );
  return [
    ...(members.some(({ outcome }) => outcome === 'waiting')
      ? [{ text: 'confirm the changes that wait:', command: `guard rollout confirm ${id}` }]
      : []),
    ...(left ? [{ text: 'continue with the remaining instances:', command: `guard rollout resume ${id}` }] : []),
    ...(members.some(({ state, outcome }) => state === 'inconclusive' && outcome === 'refused')
      ? [
          {
            text: 'or continue without the instances that refuse the run:',
            command: `guard rollout resume ${id} --skip-refused`,
          },
        ]
      : []),
    ...(failed
      ? [
          {
            text: left
              ? 'or continue and also retry the instances that were not kept:'
              : 'retry the instances that were not kept:',
            command: `guard rollout resume ${id} --retry`,
          },
        ]
      : []),
    end,
  ];
}

function bounded(names: readonly string[], most: number): string {
  return names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

/** Why a run on one instance of a rollout is not kept, in one sentence; empty where it is. */
export function describeMemberEnd(outcome: Outcome, facts: RunFacts): string {
  if (outcome.outcome === 'kept') return '';
  if (outcome.outcome === 'waiting') return waitingMessage(outcome.deadline);
  if ('refusal' in outcome) return firstSentence(outcome.refusal.message);
  if (outcome.outcome === 'rollback-failed' && outcome.lost === true) return firstSentence(outcome.message);
  const reason = facts.verdict?.reasons[0];
  if (reason !== undefined && 'cause' in outcome && outcome.cause !== 'command') {
    const more = (facts.verdict?.reasons.length ?? 1) - 1;
    return `${reason.message}${more > 0 ? ` (and ${more} more)` : ''}`;
  }
  const { label, headline } = summarizeOutcome(outcome, facts);
  return firstSentence(headline.slice(label.length + 2));
}

function firstSentence(text: string): string {
  return (/^(.*?)[.!?](?:\s|$)/s.exec(text)?.[1] ?? text).trim();
}

/** The instances on which no run could begin, and why. */
export function refusedMemberLines(
  refusals: readonly { readonly label: string; readonly outcome: Outcome }[],
): string[] {
  return refusals.map(({ label, outcome }) => {
    const reason = 'refusal' in outcome ? `${outcome.refusal.message} ${outcome.refusal.advice}` : outcome.outcome;
    return `${neutralise(label, 100)}: ${neutralise(reason, 1000).trim()}`;
  });
}

export type LookAtHolder = (holder: RolloutRecord['holder']) => 'alive' | 'dead' | 'elsewhere';

/** Where a rollout stands: its end, or its life as far as this host can see it, and each instance. */
export function rolloutStatus(record: RolloutRecord, lookAtHolder: LookAtHolder): string[] {
  return [
    `rollout ${record.id} ${describeLife(record, lookAtHolder)}: ${countStates(record.members)}`,
    `  command: ${neutralise(shellWords(record.command), 500)}`,
    `  started: ${formatTime(record.startedAt)} on host ${neutralise(record.holder.host, 100)}`,
    ...rolloutTable(record.members),
    ...nextLines(isInterrupted(record, lookAtHolder) ? { ...record, status: 'interrupted' } : record).slice(1),
  ];
}

/** All rollouts of this host, newest first. */
export function rolloutsTable(records: readonly RolloutRecord[], lookAtHolder: LookAtHolder): string[] {
  if (records.length === 0) return ['No rollout is recorded on this host.'];
  return records.map(
    (record) =>
      `${record.id}  ${describeLife(record, lookAtHolder)}: ${countStates(record.members)}  ${neutralise(shellWords(record.command), 80)}`,
  );
}

function isInterrupted({ status, holder }: RolloutRecord, lookAtHolder: LookAtHolder): boolean {
  return status === 'running' && lookAtHolder(holder) === 'dead';
}

/** How it ended, or whether it is under way as far as this host can see, to be read after "the rollout". */
export function describeLife(record: RolloutRecord, lookAtHolder: LookAtHolder): string {
  if (record.status !== 'running') return record.stop === null ? `is ${record.status}` : describeEnd(record);
  switch (lookAtHolder(record.holder)) {
    case 'alive':
      return 'is in progress';
    case 'dead':
      return 'was interrupted';
    case 'elsewhere':
      return `is in progress on host ${neutralise(record.holder.host, 100)}, according to its record`;
  }
}

/** The text of `guard plan` for several instances. */
export function rolloutPlanLines(
  command: readonly string[],
  members: readonly Pick<MemberRecord, 'label' | 'wave' | 'group'>[],
  settings: RolloutSettings,
): string[] {
  return [
    `guard would run: ${neutralise(shellWords(command), 2000)}`,
    `  on ${describeRollout(members, settings)}`,
    ...waveLines(members),
    ...(settings.pauseMs === 0 && !settings.confirms
      ? ['Without --pause guard starts with the next instance as soon as one has ended.']
      : []),
    `Every run would start, as far as guard can determine in advance.`,
    `For the details of one instance: \`guard plan <instance> -- …\``,
  ];
}
