import { Argument, Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { completionScripts } from '../../src/cli/completion-scripts.ts';
import { completionsOf, wantsFiles } from '../../src/cli/completion-words.ts';

const program = new Command('guard');
program
  .command('run', { isDefault: true })
  .argument('[instance...]')
  .option('--restart', 'restart it')
  .option('-q, --quiet', 'say little')
  .addOption(new Option('--uncovered <policy>').choices(['refuse', 'warn']))
  .option('--on-failure <policy>')
  .option('--report <format=file>')
  .option('--project <name>')
  .option('--push <local:path>');
program.command('rollback').argument('<instance>').argument('[run]').option('--restart-not').option('--project <name>');
program.command('completion').addArgument(new Argument('<shell>').choices(['bash', 'zsh']));
program.command('complete', { hidden: true });
program.command('show').argument('<run>').option('--evidence <name>');
const rollout = program.command('rollout');
rollout.command('status').argument('[rollout]');
rollout.command('resume').argument('<rollout>').option('--force');
program.command('hook').command('install').argument('<instance>');

const words = (line: string): string =>
  completionsOf(program, line.split(' '), {
    instances: ['web1', 'web2', 'run-of-mine'],
    runs: ['20261123-055126-k3f9'],
    rollouts: ['20261123-055126-r0ll'],
    evidence: ['units.txt'],
    projects: ['default', 'shop'],
  })
    .map(({ word }) => word)
    .join(' ');

describe('what could stand at the cursor', () => {
  test.each([
    ['', 'run rollback completion show rollout hook help web1 web2 run-of-mine'],
    ['r', 'run rollback rollout run-of-mine'],
    ['we', 'web1 web2'],
    ['--re', '--restart --report'],
    ['rollback --re', '--restart-not'],
    ['--restart we', 'web1 web2'],
    ['--uncovered ', 'refuse warn'],
    ['--uncovered warn w', 'web1 web2'],
    ['--push ', ''],
    ['web1 w', 'web1 web2'],
    ['rollback w', 'web1 web2'],
    ['rollback web1 w', ''],
    ['rollback web1 ', '20261123-055126-k3f9'],
    ['--on-failure k', 'keep'],
    ['--project s', 'shop'],
    ['rollback --project ', 'default shop'],
    ['--report j', 'junit= json='],
    ['completion ', 'bash zsh'],
    ['rollout ', 'status resume help'],
    ['rollout resume ', '20261123-055126-r0ll'],
    ['rollout resume --', '--force --help'],
    ['hook install w', 'web1 web2'],
    ['help r', 'run rollback rollout'],
    ['show last --evidence ', 'units.txt'],
    ['--on-failure unhealthy=', 'unhealthy=rollback unhealthy=keep unhealthy=ask'],
    ['web1 -- w', ''],
    ['web1 -- sh --re', ''],
    ['web1 --', '--restart --quiet --uncovered --on-failure --report --project --push --help'],
  ])('guard %s', (line, found) => {
    expect(words(line)).toBe(found);
  });
});

test.each([
  ['', false],
  ['rollback web1 ', false],
  ['--on-failure ', false],
  ['--report j', false],
  ['--report junit=', true],
  ['--push ', true],
  ['web1 -- ', true],
])('names of files after "guard %s": %s', (line, wanted) => {
  expect(wantsFiles(program, line.split(' '))).toBe(wanted);
});

test('no script evaluates what was typed', () => {
  for (const script of Object.values(completionScripts)) expect(script).not.toMatch(/\beval\b/);
});

test('fish completes names of files only where guard completes nothing', () => {
  expect(completionScripts.fish).toMatch(/^complete -c guard -f /m);
  expect(completionScripts.fish).toContain('__fish_complete_path');
});
