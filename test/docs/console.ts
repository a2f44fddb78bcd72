import { figureIn } from '../../docs/generator/figures.ts';

/** A page of the documentation as steps that can be done in order. */
export interface Script {
  readonly steps: readonly Step[];
  /** The blocks that are not run, each with its reason. */
  readonly left: readonly string[];
}

export type Step =
  /** A command and what it must print; null where that is not compared. */
  | {
      readonly kind: 'command';
      readonly line: number;
      readonly words: string;
      readonly expected: readonly string[] | null;
    }
  /** A file that the page shows, written to the working directory. */
  | { readonly kind: 'file'; readonly line: number; readonly path: string; readonly text: string };

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
  /** Where its first line is in the page, from 1. */
  readonly line: number;
  /** The last line before it that is not empty. */
  readonly before: string;
}

/**
 * Reads a page. A `console` block is a session: `$ ` begins a command, `> ` goes on with it, everything else is what it
 * printed. A block whose first line is `# FILE` is written to that file. `<!-- not run: REASON -->` before a block leaves it
 * out, and `<!-- first` … `-->` holds commands that readers do not see.
 */
export const readPage = (markdown: string): Script => {
  const steps: Step[] = [];
  const left: string[] = [];
  for (const block of blocksOf(markdown)) {
    const reason = /^<!-- not run: (.+) -->$/.exec(block.before)?.[1];
    if (block.language === 'console' && reason !== undefined) left.push(reason);
    else if (block.language === 'console') steps.push(...commandsOf(block, true));
    else if (block.language === 'first') steps.push(...commandsOf(block, false));
    else steps.push(...fileOf(block));
  }
  return { steps, left };
};

const blocksOf = (markdown: string): Block[] => {
  const blocks: Block[] = [];
  let open: { language: string; lines: string[]; line: number; end: string; before: string } | null = null;
  let before = '';
  for (const [index, line] of markdown.split('\n').entries()) {
    if (open !== null && line === open.end) {
      blocks.push(open);
      open = null;
    } else if (open !== null) open.lines.push(line);
    else if (line.startsWith('```')) open = { language: line.slice(3), lines: [], line: index + 2, end: '```', before };
    else if (line === '<!-- first') open = { language: 'first', lines: [], line: index + 2, end: '-->', before };
    if (line.trim() !== '') before = line;
  }
  return blocks;
};

const commandsOf = ({ lines, line }: Block, compared: boolean): Step[] => {
  const commands: { line: number; words: string; expected: string[] }[] = [];
  for (const [index, text] of lines.entries()) {
    const last = commands.at(-1);
    if (text.startsWith('$ ')) commands.push({ line: line + index, words: text.slice(2), expected: [] });
    else if (last !== undefined && text.startsWith('> ') && last.expected.length === 0)
      last.words += `\n${text.slice(2)}`;
    else last?.expected.push(text);
  }
  return commands.map(({ expected, ...same }) => ({ kind: 'command', ...same, expected: compared ? expected : null }));
};

const fileOf = ({ language, lines, line }: Block): Step[] => {
  const path = /^# ([\w.-]+\.\w+)$/.exec(lines[0] ?? '')?.[1];
  if (path === undefined || language === '') return [];
  return [{ kind: 'file', line, path, text: `${lines.join('\n')}\n` }];
};

/** Whether what was printed is what the page shows. A line `…` stands for any lines, `…` in a line for any text. */
export const isAsShown = (expected: readonly string[], printed: readonly string[]): boolean => {
  const pattern = trimmed(expected).map((line) => (line.trim() === '…' ? '(?:[^\n]*\n)*?' : `${patternOf(line)}\n`));
  const text = trimmed(printed.filter((line) => !jobNews.test(line) && !imageProgress.test(line))).map(
    (line) => `${withPlaceholders(line)}\n`,
  );
  return new RegExp(`^${pattern.join('')}$`).test(text.join(''));
};

/** What the shell says of a job that a page has killed, as soon as it notices. */
const jobNews = /^\S+\/script\.sh: line \d+: +\d+ Killed /;

/** Progress of the `incus` command at the first use of an image. */
const imageProgress = /^\s*Retrieving image: /;

const patternOf = (line: string): string =>
  withPlaceholders(line)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^\n]*');

const trimmed = (lines: readonly string[]): string[] =>
  lines
    .join('\n')
    .replace(/\s+$/, '')
    .split('\n')
    .map((line) => line.trimEnd());

/** What is different each time: times, run ids, addresses, versions, numbers of processes, the machine's name. */
export const withPlaceholders = (line: string): string =>
  placeholders.reduce((text, [form, name]) => text.replaceAll(form, name), line);

const placeholders: readonly (readonly [RegExp, string])[] = [
  [/\b\d{8}-\d{6}-[a-z0-9]{4}\b/g, 'RUN'],
  [/\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?/g, 'DATE'],
  [/(?<![\w.])\d+(\.\d+)? (ms|s|min|h)( \d+ (ms|s|min))?\b/g, 'TIME'],
  [/\b\d+\.\d+\.\d+\.\d+\b/g, 'ADDRESS'],
  [/\b\d+(:\d+)?\.\d+[\w.]*([-+~][\w.+~]+)*/g, 'VERSION'],
  [/\bpid \d+/g, 'pid PID'],
  [/\b\d+ (restarts|more|files)\b/g, 'COUNT $1'],
  [/ {2,}/g, '  '],
];

/** The times that were printed in the place of those that the page shows. */
export const measuredIn = (expected: readonly string[], printed: readonly string[]): string[] => {
  let from = 0;
  return expected.flatMap((line) => {
    const shown = figureIn(line);
    if (shown === null) return [];
    const at = printed.findIndex((one, index) => index >= from && withPlaceholders(one) === withPlaceholders(line));
    from = at + 1;
    return [figureIn(printed[at] ?? '') ?? shown];
  });
};
