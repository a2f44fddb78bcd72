import { expect, test } from 'vitest';

import { disksOf } from '../../../src/platform/incus/instances/config.ts';

test.each([
  [
    { source: 'tmpfs:', path: '/cache' },
    { kind: 'memory', path: '/cache' },
  ],
  [
    { source: 'tmpfs-overlay:', path: '/etc' },
    { kind: 'memory', path: '/etc' },
  ],
  [
    { source: 'db', pool: 'p', path: '/db', dependent: 'true' },
    { kind: 'dependent-volume', pool: 'p', volume: 'db' },
  ],
  [
    { source: 'db', pool: 'p', path: '/db', dependent: 'false' },
    { kind: 'volume', pool: 'p', volume: 'db' },
  ],
  [
    { source: 'db/sub', pool: 'p', path: '/db' },
    { kind: 'volume', pool: 'p', volume: 'db' },
  ],
  [
    { source: '/srv/tmpfs:', path: '/srv' },
    { kind: 'host-path', source: '/srv/tmpfs:' },
  ],
  [
    { source: 'ceph:pool/image', path: '/c' },
    { kind: 'other', source: 'ceph:pool/image' },
  ],
])('knows what kind of disk %o is', (keys, disk) => {
  expect(disksOf({ d: { type: 'disk', ...keys } })).toMatchObject([{ device: 'd', ...disk }]);
});
