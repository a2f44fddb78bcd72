import { expect, test } from 'vitest';
import { commandNames } from '../../src/cli/command-names.ts';
import { commandWords, refuseLateSubcommand } from '../../src/cli/command-words.ts';
import { UsageMistake } from '../../src/cli/usage.ts';

const adviceFor = (...words: readonly string[]): string => {
  try {
    commandWords(words, null, 'guard', commandNames);
  } catch (mistake) {
    if (mistake instanceof UsageMistake) return mistake.advice;
  }
  throw new Error('it was no mistake');
};

test.each([
  [['web', 'apt', 'upgrade'], 'Write: guard web -- apt upgrade'],
  [['web'], 'Write: guard web -- <command> (the subcommands: `guard --help`)'],
  [['chek', 'web'], 'Write: guard chek -- web, or if the subcommand was meant: guard check web'],
  [['rollbak'], 'Write: guard rollbak -- <command>, or if the subcommand was meant: guard rollback'],
])('a missing -- after %j', (words, advice) => {
  expect(adviceFor(...words)).toBe(advice);
});

test('what stands behind the -- is the command, whatever the instance is called', () => {
  expect(commandWords(['chek'], ['apt', 'upgrade'], 'guard', commandNames)).toEqual(['apt', 'upgrade']);
});

const mistakeIn = (instances: readonly string[], subcommands: readonly string[]): UsageMistake | null => {
  try {
    commandWords(instances, ['true'], 'guard', subcommands);
    return null;
  } catch (mistake) {
    if (mistake instanceof UsageMistake) return mistake;
    throw mistake;
  }
};

test("another tool's word before the instance is not taken for an instance", () => {
  expect(mistakeIn(['exec', 'web'], commandNames)).toMatchObject({
    message: 'No subcommand is needed, and "exec" is none.',
    advice: 'Write: guard web -- true (For an instance named exec, write: guard run exec web -- true)',
  });
  expect(mistakeIn(['preview', 'web'], commandNames)).toMatchObject({
    message: 'There is no command "preview".',
    advice:
      'Did you mean: guard plan <instance> -- <command>? (For an instance named preview, write: guard run preview web -- true)',
  });
  // Alone, second or after `run` it is an instance.
  expect(mistakeIn(['exec'], commandNames)).toBeNull();
  expect(mistakeIn(['web', 'exec'], commandNames)).toBeNull();
  expect(mistakeIn(['exec', 'web'], [])).toBeNull();
});

test.each([
  [['check', 'web'], null, ['--json', 'check', 'web'], 'Write: guard check --json web '],
  [['runs'], null, ['--limit', '3', 'runs'], 'Write: guard runs --limit 3 '],
  [['plan', 'web'], ['true'], ['--soak', '3s', 'plan', 'web'], 'Write: guard plan --soak 3s web -- true '],
])('a subcommand behind options: %j %j', (instances, words, own, advice) => {
  const refuse = (): void => refuseLateSubcommand(instances, words, own);
  expect(refuse).toThrow(UsageMistake);
  expect(refuse).toThrow(expect.objectContaining({ advice: expect.stringContaining(advice) as string }));
});

test.each([
  [['check'], ['true'], ['--soak', '3s', 'check']],
  [['web'], null, ['--soak', '3s', 'web']],
  [['web', 'check'], ['true'], ['--soak', '3s', 'web', 'check']],
])('an instance behind options: %j', (instances, words, own) => {
  expect(() => refuseLateSubcommand(instances, words, own)).not.toThrow();
});
