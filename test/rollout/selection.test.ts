import { describe, expect, test } from 'vitest';
import { labelOf, memberId, selectInstances, type Candidate } from '../../src/rollout/selection.ts';
import { parseWish } from '../../src/rollout/wish.ts';

function candidate(name: string, more: Partial<Candidate> = {}): Candidate {
  return {
    name,
    remote: null,
    project: 'default',
    status: 'Running',
    type: 'container',
    architecture: 'x86_64',
    location: 'none',
    expandedConfig: {},
    ...more,
  };
}

const all = [
  candidate('web-1'),
  candidate('web-2', { status: 'Stopped' }),
  candidate('db'),
  candidate('web-1', { remote: 'prod' }),
  candidate('db', { remote: 'prod', project: 'shop' }),
];

function chosen(words: readonly string[], filters: readonly string[] = []): readonly string[] | string {
  const selected = selectInstances(words.map(parseWish), filters, all, clients);
  return selected.ok ? selected.value.map(memberId) : selected.error.message;
}

/** The server of `prod` is an LXD. */
const clients = new Map([
  [null, 'incus'],
  ['prod', 'lxc'],
]);

describe('choosing', () => {
  test('names stay in the order in which they are written', () => {
    expect(chosen(['db', 'web-1'])).toEqual([':default/db', ':default/web-1']);
  });
  test('the same instance twice is once, also through a glob', () => {
    expect(chosen(['web-2', 'web-*', 'web-2'])).toEqual([':default/web-2', ':default/web-1']);
  });
  test('a glob is of one remote', () => {
    expect(chosen(['prod:*'])).toEqual(['prod:default/web-1', 'prod:shop/db']);
    expect(chosen(['*'])).toHaveLength(3);
    expect(chosen(['{web,db}*', 'prod:web-[12]'])).toHaveLength(4);
  });
  test('filters leave over what fits all of them', () => {
    expect(chosen(['*'], ['web', 'status=running'])).toEqual([':default/web-1']);
  });
  test.each([
    [['nono'], [], 'There is no instance "nono".'],
    [['web1'], [], 'There is no instance "web1". Did you mean "web-1"?'],
    [['prod:web-2'], [], 'There is no instance "web-2" on the remote "prod". Did you mean "web-1"?'],
    [['mail-*'], [], 'No instance matches "mail-*".'],
    [['web-1', 'prod:x*'], [], 'No instance matches "x*" on the remote "prod".'],
    [['none:*'], [], 'There is no instance on the remote "none" in this project.'],
    [['*'], ['status=frozen'], 'No instance matches --filter status=frozen.'],
    [['*'], ['stat=frozen'], 'No instance matches --filter stat=frozen. None has a configuration key "stat".'],
    [
      ['*'],
      ['web', 'statsu=running'],
      'No instance matches --filter web --filter statsu=running. None has a configuration key "statsu". Did you mean "status"?',
    ],
    [['*'], ['='], '"=" is no filter: write it like status=running.'],
  ])('%j with %j is a mistake', (words, filters, message) => {
    expect(chosen(words, filters)).toBe(message);
  });
  test.each([
    ['nono', [], 'See `incus list`.'],
    ['prod:nono', [], 'See `lxc list prod:`.'],
    ['prod:*', ['='], 'See `lxc list --help` for the filters.'],
    ['prod:*', ['status=frozen'], 'See `lxc list` with the same filters.'],
  ])('the advice for %s with %j names the client of its server', (word, filters, advice) => {
    const selected = selectInstances([parseWish(word)], filters, all, clients);
    expect(selected.ok ? null : selected.error.advice).toBe(advice);
  });
});

test('a label is as short as it is unique', () => {
  const one = { remote: null, project: 'default', name: 'web' };
  expect(labelOf(one, [one])).toBe('web');
  expect(labelOf(one, [one, { ...one, project: 'shop' }])).toBe('default/web');
  expect(labelOf({ ...one, remote: 'prod' }, [one])).toBe('prod:web');
});
