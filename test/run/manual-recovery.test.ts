import { execa } from 'execa';
import { expect, test } from 'vitest';
import { commandsOf } from '../../src/platform/incus/commands.ts';
import { manualRecoveryCommands } from '../../src/run/manual-recovery.ts';

const commands = commandsOf('Incus');

const plain = {
  instance: 'web01',
  project: 'default',
  remote: null,
  restorePoint: { name: 'guard-in-flight', volumes: [] },
  start: true,
  startProtected: false,
};

test('stop, restore, start, in this order (F6)', () => {
  expect(manualRecoveryCommands(commands, plain)).toEqual([
    'incus stop --force web01',
    'incus snapshot restore web01 guard-in-flight',
    'incus start web01',
  ]);
});

test('what a killed daemon left in the way of every restore is removed before it (F43)', () => {
  const clearing = 'btrfs subvolume delete /var/lib/incus/storage-pools/default/containers/web01.incustmp';
  expect(manualRecoveryCommands(commands, { ...plain, first: [clearing] })).toEqual([
    'incus stop --force web01',
    clearing,
    'incus snapshot restore web01 guard-in-flight',
    'incus start web01',
  ]);
});

test('the protection from being started, which the restore brings back, is lifted for the start', () => {
  expect(manualRecoveryCommands(commands, { ...plain, startProtected: true })).toEqual([
    'incus stop --force web01',
    'incus snapshot restore web01 guard-in-flight',
    'incus config set web01 security.protection.start=false',
    'incus start web01',
    'incus config set web01 security.protection.start=true',
  ]);
  expect(manualRecoveryCommands(commands, { ...plain, start: false, startProtected: true })).toHaveLength(2);
});

test('an instance that did not run is not started', () => {
  expect(manualRecoveryCommands(commands, { ...plain, start: false })).toEqual([
    'incus stop --force web01',
    'incus snapshot restore web01 guard-in-flight',
  ]);
});

test('the remote and the project are those of the run, in each command', () => {
  expect(manualRecoveryCommands(commands, { ...plain, remote: 'far', project: 'shop' })).toEqual([
    'incus stop --force far:web01 --project shop',
    'incus snapshot restore far:web01 guard-in-flight --project shop',
    'incus start far:web01 --project shop',
  ]);
});

test('volumes are restored while the instance is down', () => {
  const volumes = [{ pool: 'fast', volume: 'data', snapshot: 'guard-in-flight', createdAt: '2026-11-23T12:00:00Z' }];
  expect(manualRecoveryCommands(commands, { ...plain, restorePoint: { name: 'guard-in-flight', volumes } })).toEqual([
    'incus stop --force web01',
    'incus storage volume snapshot restore fast data guard-in-flight',
    'incus snapshot restore web01 guard-in-flight',
    'incus start web01',
  ]);
});

test('a shell reads back the very words, whatever is in a name (F44)', async () => {
  const project = `it's $(touch /tmp/x) "a" \\ ;&|\n*`;
  const lines = manualRecoveryCommands(commands, { ...plain, project });
  const last = lines.at(-1) ?? '';
  // `incus` is a function here that prints its arguments.
  const { stdout } = await execa('sh', ['-c', `incus() { printf '%s\\0' "$@"; }; ${last}`], {
    stripFinalNewline: false,
  });
  expect(stdout.split('\0').slice(0, -1)).toEqual(['start', 'web01', '--project', project]);
});
