import { describe, expect, test } from 'vitest';
import { fingerprintOf, isWanted, obeysQuarantine, withoutRestorePoint } from '../../src/agent/hook-policy.ts';

const announced = { manager: 'apt', pid: 5, command: 'apt upgrade -y', packages: [], more: 0 };
const nginx = { name: 'nginx', from: '1.18', to: '1.22' };
const all = { packages: null, commands: null };

describe('which transactions are guarded', () => {
  test('all where nothing else is said', () => {
    expect(isWanted(all, announced)).toBe(true);
  });

  test('those of a package that is named, and those that do not say what they change', () => {
    const settings = { ...all, packages: ['linux-*', 'nginx'] };
    expect(isWanted(settings, { ...announced, packages: [nginx] })).toBe(true);
    expect(isWanted(settings, { ...announced, packages: [{ ...nginx, name: 'hello' }] })).toBe(false);
    expect(isWanted(settings, { ...announced, packages: [{ ...nginx, name: 'hello' }], more: 3 })).toBe(true);
    expect(isWanted(settings, announced)).toBe(true);
  });

  test('those of a command like one that is named', () => {
    const settings = { ...all, commands: ['apt* upgrade*'] };
    expect(isWanted(settings, announced)).toBe(true);
    expect(isWanted(settings, { ...announced, command: 'apt install /root/hello.deb' })).toBe(false);
    expect(isWanted(settings, { ...announced, command: '' })).toBe(true);
  });
});

test('without a restore point the policy decides', () => {
  expect(withoutRestorePoint({ onNoRestorePoint: 'abort' }, 'full')).toEqual({ kind: 'no', reason: 'full' });
  expect(withoutRestorePoint({ onNoRestorePoint: 'proceed' }, 'full')).toEqual({
    kind: 'go-unguarded',
    reason: 'full',
  });
});

test('the quarantine is for nights, unless it is said otherwise (F37)', () => {
  expect(obeysQuarantine({ quarantine: 'unattended' }, true)).toBe(false);
  expect(obeysQuarantine({ quarantine: 'unattended' }, false)).toBe(true);
  expect(obeysQuarantine({ quarantine: 'always' }, true)).toBe(true);
  expect(obeysQuarantine({ quarantine: 'never' }, false)).toBe(false);
});

test('the same packages are the same change in any order, others are not', () => {
  const hello = { name: 'hello', from: null, to: '2.0' };
  const both = fingerprintOf({ ...announced, packages: [nginx, hello] });
  expect(fingerprintOf({ ...announced, packages: [hello, nginx], command: 'aptitude' })).toBe(both);
  expect(fingerprintOf({ ...announced, packages: [hello, { ...nginx, to: '1.23' }] })).not.toBe(both);
  expect(fingerprintOf(announced)).toBeNull();
});
