import {
  nextStep,
  type MemberState,
  type PlannedMember,
  type RolloutProgress,
  type Step,
} from '../../src/rollout/planner.ts';

/** How one simulated instance takes the change. */
export interface Behaviour {
  readonly ms: number;
  readonly ends: Extract<MemberState, 'kept' | 'failed' | 'broken' | 'inconclusive' | 'skipped'>;
  readonly revertFails: boolean;
}

/** What was seen of a simulated rollout. */
export interface Simulated {
  readonly progress: RolloutProgress;
  readonly end: Extract<Step, { kind: 'end' }> | null;
  /** How often the change was begun on each instance. */
  readonly begun: ReadonlyMap<string, number>;
  /** Milliseconds of simulated time. */
  readonly ms: number;
  readonly mostAtOnce: number;
}

interface Options {
  /** Called after each step, with all that runs at this moment. */
  readonly watch?: (progress: RolloutProgress, step: Step) => void;
  /** guard is killed after so many steps. */
  readonly killAfter?: number;
}

interface UnderWay {
  readonly id: string;
  readonly endsAt: number;
}

/** Plays a rollout against simulated time; every decision is the planner's. */
export function simulate(
  first: RolloutProgress,
  behaviourOf: (id: string) => Behaviour,
  { watch, killAfter = Infinity }: Options = {},
): Simulated {
  const members = [...first.members];
  const places = new Map(members.map(({ id }, index) => [id, index]));
  let underWay: readonly UnderWay[] = [];
  const begun = new Map<string, number>();
  let now = 0;
  let waveEndedAt: number | null = first.waveEndedAt;
  let mostAtOnce = 0;
  const progress = (): RolloutProgress => ({ ...first, members, waveEndedAt });
  const set = (id: string, state: MemberState): void => {
    const place = places.get(id) as number;
    members[place] = { ...(members[place] as PlannedMember), state };
  };
  const seen = (end: Simulated['end']): Simulated => ({ progress: progress(), end, begun, ms: now, mostAtOnce });
  const endNext = (): void => {
    if (underWay.length === 0) throw new Error('The planner waits, and nothing is under way');
    now = Math.max(now, Math.min(...underWay.map(({ endsAt }) => endsAt)));
    const ended = underWay.filter(({ endsAt }) => endsAt <= now);
    underWay = underWay.filter(({ endsAt }) => endsAt > now);
    for (const { id } of ended) {
      const { ends, revertFails } = behaviourOf(id);
      const isReverting = members[places.get(id) as number]?.state === 'reverting';
      set(id, isReverting ? (revertFails ? 'revert-failed' : 'reverted') : ends);
    }
    if (underWay.length === 0) waveEndedAt = now;
  };
  const begin = (ids: readonly string[], state: 'running' | 'reverting'): void => {
    for (const id of ids) {
      set(id, state);
      if (state === 'running') begun.set(id, (begun.get(id) ?? 0) + 1);
      underWay = [...underWay, { id, endsAt: now + behaviourOf(id).ms }];
    }
    mostAtOnce = Math.max(mostAtOnce, underWay.length);
  };
  for (let steps = 0; steps < killAfter; steps += 1) {
    const step = nextStep(progress(), now);
    switch (step.kind) {
      case 'begin':
      case 'revert':
        begin(step.ids, step.kind === 'begin' ? 'running' : 'reverting');
        watch?.(progress(), step);
        break;
      case 'pause':
        watch?.(progress(), step);
        now += step.ms;
        break;
      case 'wait':
        watch?.(progress(), step);
        endNext();
        break;
      case 'end':
        watch?.(progress(), step);
        return seen(step);
    }
  }
  return seen(null);
}
