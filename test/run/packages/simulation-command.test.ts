import { describe, expect, test } from 'vitest';
import { simulationOf } from '../../../src/run/packages/simulation-command.ts';

const simulated = (line: string): string | null => simulationOf(line.split(' '))?.words.join(' ') ?? null;

test.each([
  ['apt upgrade', 'apt-get -s -q -o Debug::NoLocking=1 upgrade --with-new-pkgs'],
  ['/usr/bin/apt-get upgrade -y', 'apt-get -s -q -o Debug::NoLocking=1 upgrade -y'],
  ['apt full-upgrade -y', 'apt-get -s -q -o Debug::NoLocking=1 dist-upgrade -y'],
  [
    'apt-get -y install --no-install-recommends nginx=1.2 php*',
    'apt-get -s -q -o Debug::NoLocking=1 install -y --no-install-recommends nginx=1.2 php*',
  ],
  ['dnf -y upgrade bash', 'dnf --assumeno --cacheonly upgrade bash'],
  ['dnf upgrade --releasever=9 -y', 'dnf --assumeno --cacheonly upgrade --releasever=9'],
  ['yum update', 'dnf --assumeno --cacheonly update'],
  ['zypper -n up -l', 'zypper --non-interactive --no-refresh --xmlout up --dry-run -l'],
])('%s is asked by %s', (line, words) => {
  expect(simulated(line)).toBe(words);
});

describe('what could turn a simulation into the real thing is not asked', () => {
  test.each([
    'apt-get upgrade -o APT::Get::Simulate=false',
    'apt-get upgrade --no-simulate',
    'apt-get install ./own.deb',
    'apt-get install -- -x',
    'apt-get update',
    'apt-get',
    'dnf upgrade --setopt=assumeno=0',
    'dnf upgrade --assumeyes=1',
    'zypper up --releasever=1',
    'dnf history undo 1',
    'zypper up --no-dry-run',
    'sh -c x',
    'apt-get install $(x)',
  ])('%s', (line) => {
    expect(simulated(line)).toBeNull();
  });
});
