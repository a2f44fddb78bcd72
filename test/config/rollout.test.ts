import { describe, expect, test } from 'vitest';
import { complaints, read } from './read.ts';

describe('rollouts in guard.yaml', () => {
  test('settings and groups', () => {
    const { rollout, groups } = read(`
rollout: { maxParallel: 10%, canary: 2, pause: 30s, maxFailures: 1, spreadBy: user.ha-group, allOrNothing: true }
groups: { web: ['web-*', 'prod:web-[12]'], db: db-1 }
`);
    expect(rollout).toEqual({
      maxParallel: { percent: 10 },
      canary: 2,
      pauseMs: 30_000,
      maxFailures: { count: 1 },
      spreadBy: 'user.ha-group',
      allOrNothing: true,
    });
    expect(groups).toEqual({ web: ['web-*', 'prod:web-[12]'], db: ['db-1'] });
  });

  test('nothing is nothing', () => {
    expect(read('rollout:\ngroups:\n')).toMatchObject({ rollout: {}, groups: {} });
    expect(read('defaults: {}')).toMatchObject({ rollout: {}, groups: {} });
  });

  test.each([
    ['rollout: { maxParallel: 0 }'],
    ['rollout: { maxParallel: 101% }'],
    ['rollout: { maxFailures: many }'],
    ['rollout: { spreadBy: user }'],
    ['rollout: { canary: -1 }'],
    ['rollout: { pause: 30 }'],
    ['rollout: { maxParalel: 3 }'],
    ['groups: { web: "a:b:c" }'],
    ['groups: { 1web: web }'],
  ])('%s is one mistake at its place', (text) => {
    const said = complaints(text);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^1:\d+ \S/);
  });
});
