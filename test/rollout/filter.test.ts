import { describe, expect, test } from 'vitest';
import { parseFilter, type Filterable } from '../../src/rollout/filter.ts';

const web: Filterable = {
  name: 'web-01',
  project: 'default',
  status: 'Running',
  type: 'container',
  architecture: 'x86_64',
  location: 'alpha',
  expandedConfig: { 'user.tier': 'front', 'security.privileged': 'true', 'image.os': 'Debian' },
};

function accepts(filter: string, instance: Filterable = web): boolean {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value(instance);
}

describe('a filter in the words of incus list', () => {
  test.each([
    'web',
    'web-01',
    '.*01',
    'w.b.*1$',
    'status=running',
    'status=stopped,RUNNING',
    'type=container',
    'architecture=x86_64',
    'location=alpha,beta',
    'project=default',
    'user.tier=front',
    'u.tier=front',
    'user.tier=fr.*',
    's.privileged=true',
    'i.o=deb|Debian',
  ])('%s fits', (filter) => {
    expect(accepts(filter)).toBe(true);
  });
  test.each([
    'eb-01',
    'web-01x',
    'b-0.$x',
    'status=stopped',
    'type=virtual-machine',
    'location=beta',
    'project=prod',
    'user.tier=fron',
    'tier=front',
    'user=front',
    'user.tier.x=front',
    'user.(=front',
    'user.tier=fr(',
  ])('%s does not fit', (filter) => {
    expect(accepts(filter)).toBe(false);
  });
  test.each(['', '=x', 'ipv4=10.0.0.1', 'ipv6=::1'])('"%s" is refused', (filter) => {
    expect(parseFilter(filter)).toMatchObject({ ok: false, error: expect.stringMatching(/^\S.*\.$/s) as string });
  });
});
