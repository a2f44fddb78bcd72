import { expect, test } from 'vitest';

import { commandsOf } from '../../../src/platform/incus/commands.ts';

const lxc = commandsOf('LXD');
const web = { instance: 'web', project: 'default', remote: null };
const far = { instance: 'web', project: 'shop', remote: 'far' };
const restorePoint = {
  name: 'guard-in-flight',
  volumes: [{ pool: 'default', volume: 'data', snapshot: 'guard-in-flight' }],
};

test('a rollback by hand has the words of lxc', () => {
  expect(lxc.rollBack(far, { restorePoint, start: true, startProtected: false })).toEqual([
    'lxc stop --force far:web --project shop',
    'lxc storage volume restore far:default data guard-in-flight --project shop',
    'lxc restore far:web guard-in-flight --project shop',
    'lxc start far:web --project shop',
  ]);
});

test('so have the others', () => {
  expect([
    lxc.removeSnapshots(web, ['auto-1']),
    lxc.restoreSnapshot(web, 'before'),
    lxc.thawInstance(web),
    lxc.makePermanent(far),
    lxc.showPool('default'),
    lxc.editProject(far),
    lxc.exec(web, ['df', '-h']),
  ]).toEqual([
    ['lxc delete web/auto-1'],
    'lxc restore web before',
    'lxc start web',
    "lxc query -X PATCH -d '{\"ephemeral\": false}' 'far:/1.0/instances/web?project=shop'",
    'lxc storage info default',
    'lxc project edit far:shop',
    'lxc exec web -- df -h',
  ]);
});
