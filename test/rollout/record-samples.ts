import type { Holder } from '../../src/event.ts';
import { assignWaves, type RolloutSettings } from '../../src/rollout/planner.ts';
import { memberRecord, type RolloutRecord } from '../../src/rollout/record.ts';
import { memberId } from '../../src/rollout/selection.ts';
import type { RecordedRolloutEvent, RolloutEvent, RolloutMember } from '../../src/rollout-event.ts';

export const holder: Holder = { host: 'alpha', bootId: 'b', pid: 7, network: 'net:[1]', id: 'a' };
export const otherHolder: Holder = { host: 'beta', bootId: 'c', pid: 8, network: 'net:[1]', id: 'b' };
export const rolloutId = '20261129-230000-aaaa';

export const oneByOne: RolloutSettings = {
  maxParallel: { count: 1 },
  canary: 0,
  pauseMs: 0,
  maxFailures: { count: 0 },
  allOrNothing: false,
  confirms: false,
};

export function membersOf(count: number, settings: RolloutSettings, project = 'default'): RolloutMember[] {
  const members = Array.from({ length: count }, (_, index) => {
    const address = { remote: null, project, name: `c${index}` };
    return { ...address, id: memberId(address), label: address.name, group: null };
  });
  return assignWaves(members, settings).map(({ wave, ...member }) => ({
    ...member,
    wave: wave.number,
    canary: wave.canary,
  }));
}

export function recordOf(members: readonly RolloutMember[], more: Partial<RolloutRecord> = {}): RolloutRecord {
  return {
    id: rolloutId,
    version: '1.0.0',
    command: ['true'],
    options: ['--soak=0s'],
    omitted: [],
    holder,
    startedAt: 1000,
    status: 'running',
    stop: null,
    isAborting: false,
    isGoingBack: false,
    claimedIn: [],
    members: members.map(memberRecord),
    ...more,
  };
}

export function recorded(event: RolloutEvent, at = 1000): RecordedRolloutEvent {
  return { ...event, v: 1, rollout: rolloutId, at };
}
