import { describe, expect, test } from 'vitest';
import { rolloutPlanLines, rolloutSummary } from '../../src/report/rollout-text.ts';
import { memberRecord, type MemberRecord } from '../../src/rollout/record.ts';
import { membersOf, oneByOne, recordOf, rolloutId } from '../rollout/record-samples.ts';

describe('the plan of a rollout', () => {
  test('has a line for each wave, with the groups that are kept apart', () => {
    const settings = { ...oneByOne, canary: 1, maxParallel: { percent: 50 }, maxFailures: { percent: 25 } };
    const members = membersOf(4, settings).map((member, index) =>
      memberRecord({ ...member, group: index === 1 ? 'a' : null }),
    );
    expect(rolloutPlanLines(['apt', 'upgrade'], members, settings).slice(0, 5)).toEqual([
      'guard would run: apt upgrade',
      '  on 4 instances in 3 waves, the first one as the canary, 2 at a time (50%), 1 failure allowed (25%)',
      '  wave 1, canary: c0',
      '  wave 2: c1 (a), c2',
      '  wave 3: c3',
    ]);
  });
});

describe('the way on from a rollout that is paused', () => {
  const pausedBy = (outcome: MemberRecord['outcome']): string[] => {
    const [first, ...rest] = recordOf(membersOf(3, oneByOne)).members as [MemberRecord, ...MemberRecord[]];
    const members = [{ ...first, state: 'inconclusive' as const, outcome }, ...rest];
    return rolloutSummary(recordOf([], { members, status: 'paused', stop: 'inconclusive' }), 41);
  };
  const skipping = `  or continue without the instances that refuse the run: guard rollout resume ${rolloutId} --skip-refused`;

  test('leaves out an instance that refuses the run, such as one that was deleted', () => {
    expect(pausedBy('refused')).toContain(skipping);
  });
  test('leaves out none that could be judged later', () => {
    expect(pausedBy('rolled-back')).not.toContain(skipping);
  });
});
