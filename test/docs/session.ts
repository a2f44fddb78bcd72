import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { isAsShown, measuredIn, readPage, withPlaceholders, type Step } from './console.ts';

/** The folder of this checkout. */
export const project = resolve(import.meta.dirname, '../..');

/** What a page shows that is not so. */
export interface Difference {
  readonly line: number;
  readonly command: string;
  readonly shown: string;
  readonly printed: string;
}

/** What doing a page gave. */
export interface PageResult {
  /** The first difference; null where the page is right. */
  readonly difference: Difference | null;
  /** The times that guard printed where the page shows times, in the order of the page. */
  readonly figures: readonly string[];
}

/** Does what a page says, in one shell, in a folder of its own. */
export const doPage = async (markdown: string, limitMs: number): Promise<PageResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-docs-'));
  try {
    return await doSteps(readPage(markdown).steps, folder, limitMs);
  } finally {
    await removeInstances(markdown);
    await rm(folder, { recursive: true, force: true });
  }
};

/** Those that the page launched. */
const removeInstances = async (markdown: string): Promise<void> => {
  for (const [, name = ''] of markdown.matchAll(/^[$>] .*\bincus launch \S+ ([\w-]+)/gm))
    await execa('incus', ['delete', '--force', name], { stdin: 'ignore', reject: false });
};

const doSteps = async (steps: readonly Step[], folder: string, limitMs: number): Promise<PageResult> => {
  const script = join(folder, 'script.sh');
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'work'));
  await symlink(join(project, 'dist/guard.cjs'), join(folder, 'bin/guard'));
  await writeFile(script, steps.map((step, index) => shellOf(step, join(folder, String(index)))).join(''));
  await execa('bash', ['--noprofile', '--norc', script], {
    cwd: join(folder, 'work'),
    stdin: 'ignore',
    reject: false,
    timeout: limitMs,
    env: {
      // For what a page prepares out of the readers' sight.
      PROJECT: project,
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      GUARD_STATE_DIR: join(folder, 'state'),
      XDG_CONFIG_HOME: join(folder, 'config'),
      GITHUB_ACTIONS: '',
      GITLAB_CI: '',
    },
  });
  return { difference: await firstDifference(steps, folder), figures: await measured(steps, folder) };
};

const printedBy = async (folder: string, index: number): Promise<string[]> =>
  (await readFile(join(folder, String(index)), 'utf8').catch(() => 'not done in time')).split('\n');

const measured = async (steps: readonly Step[], folder: string): Promise<string[]> => {
  const figures: string[] = [];
  for (const [index, step] of steps.entries())
    if (step.kind === 'command' && step.expected !== null)
      figures.push(...measuredIn(step.expected, await printedBy(folder, index)));
  return figures;
};

/** `$?` and `$!` of a command are those that the next one sees, as at a prompt. */
const shellOf = (step: Step, output: string): string =>
  step.kind === 'file'
    ? `cat >${step.path} <<'END-OF-FILE'\n${step.text}END-OF-FILE\n`
    : `{\n${withTestImage(step.words)}\n} >${output} 2>&1\n`;

// The image server is not asked in tests: the image that the test host has made is the same release.
const withTestImage = (words: string): string => words.replaceAll('images:debian/12', 'guard-debian');

const firstDifference = async (steps: readonly Step[], folder: string): Promise<Difference | null> => {
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'file' || step.expected === null) continue;
    const printed = await printedBy(folder, index);
    if (isAsShown(step.expected, printed)) continue;
    const [shown, was] = [step.expected, printed].map((lines) => lines.map(withPlaceholders).join('\n'));
    return { line: step.line, command: step.words, shown: shown ?? '', printed: was ?? '' };
  }
  return null;
};
