import { Command } from 'commander';
import { expect, test } from 'vitest';
import {
  addRolloutOptions,
  isRollout,
  journalWords,
  optionWords,
  readOptionWords,
  sharedWords,
  trustedWords,
} from '../../src/cli/rollout-options.ts';
import { addRunOptions } from '../../src/cli/run-options.ts';

const command = addRolloutOptions(addRunOptions(new Command('run')));

test('the options of a command line, each as one word, are read again as they were', () => {
  const own = [
    'run',
    '--soak',
    '5s',
    'web-*',
    '--check=curl -f x',
    '-q',
    '--env',
    'A=--b',
    '--max-parallel',
    '10%',
    'db',
  ];
  const words = optionWords(command, own);
  expect(words).toEqual(['--soak=5s', '--check=curl -f x', '--quiet', '--env=A=--b', '--max-parallel=10%']);
  expect(readOptionWords(journalWords(words))).toMatchObject({
    soak: 5000,
    check: ['curl -f x'],
    env: { A: '--b' },
    maxParallel: { percent: 10 },
  });
});

test('the record on the server carries no secrets, files or commands of one host, and says what it leaves out', () => {
  const words = [
    '--soak=5s',
    '--env=TOKEN=x',
    '--push=dist:/opt',
    '--hook=host:afterKeep=rm -rf /',
    '--hook=afterKeep=true',
    '--config=/etc/g',
  ];
  const { options, omitted } = sharedWords(words);
  expect(options).toEqual(['--soak=5s', '--hook=afterKeep=true']);
  expect(omitted).toEqual(['--env', '--push', '--hook', '--config']);
});

test('of a record that somebody else may have written nothing is taken that touches this host', () => {
  const hostile = [
    '--hook=host:afterKeep=reboot',
    '--config=/tmp/evil.yaml',
    '--confirm-by=reboot',
    '--report=junit=/etc/passwd',
    '--trace=/etc/shadow',
    '--push=/etc/shadow:/root/x',
    '--env=A=1',
    'web-1',
    '--',
    '-c',
  ];
  expect(trustedWords([...hostile, '--soak=1s', '--all-or-nothing'])).toEqual(['--soak=1s', '--all-or-nothing']);
});

test.each([
  [['web'], {}, false],
  [['web', 'db'], {}, true],
  [['web-*'], {}, true],
  [['@web'], {}, true],
  [['web'], { canary: 1 }, true],
  [[], { all: true }, true],
])('%j with %j is a rollout: %s', (instances, options, expected) => {
  expect(isRollout(instances, options)).toBe(expected);
});
