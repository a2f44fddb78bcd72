import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { formatDuration } from '../duration.ts';
import type { Cause } from '../event.ts';
import type { Choice, Person, Question } from '../question.ts';
import { neutralise } from '../text.ts';
import { changeLines } from './change-lines.ts';
import { wrapped } from './wrap.ts';

const failures: Readonly<Record<Cause, string>> = {
  command: 'The command failed.',
  unhealthy: 'The instance is not healthy.',
  inconclusive: 'It is unknown whether the instance is healthy.',
  timeout: 'The command or its checks ran out of time.',
  'not-confirmed': 'The change was not confirmed.',
  interrupted: 'The run was interrupted.',
};

/** One answer. Its label marks the key in brackets. */
interface Option {
  readonly choice: Choice;
  /** The key, and other words for the same. */
  readonly words: readonly string[];
  readonly label: string;
}

const keep: Option = { choice: 'keep', words: ['k', 'keep', 'y', 'yes'], label: '[k]eep the change' };
const keepRunning: Option = { ...keep, words: ['k', 'keep'], label: '[k]eep it running' };
const rollback: Option = { choice: 'rollback', words: ['r', 'rollback', 'roll back', 'n', 'no'], label: '[r]oll back' };
const shell: Option = { choice: 'shell', words: ['s', 'shell'], label: 'open a [s]hell' };
const check: Option = { choice: 'check', words: ['c', 'check'], label: '[c]heck again' };
const goOn: Option = { choice: 'continue', words: ['c', 'continue', 'g', 'go on'], label: '[c]ontinue the check' };

/** A question as it is shown. */
interface Form {
  readonly text: readonly string[];
  readonly options: readonly Option[];
  /** What Enter alone means; null where it asks again. */
  readonly enter: Choice | null;
  /** What happens without an answer. */
  readonly otherwise: string;
}

function formOf(question: Question, findings: readonly string[]): Form {
  switch (question.kind) {
    case 'failed':
      return {
        text: [failures[question.cause], ...findings],
        options: [keep, rollback, check, ...(question.shell ? [shell] : [])],
        enter: null,
        otherwise: 'rolled back',
      };
    case 'unchanged':
      return {
        text: [
          'The command failed, and nothing that guard compares has changed. A rollback would restart the instance.',
        ],
        options: [keepRunning, rollback, ...(question.shell ? [shell] : [])],
        enter: 'keep',
        otherwise: question.otherwise === 'keep' ? 'kept' : 'rolled back',
      };
    case 'session':
      return {
        text: ['The shell has ended.', ...sessionLines(question)],
        options: [
          { ...keep, label: '[k]eep the changes and check the instance' },
          rollback,
          { ...shell, label: 'return to a [s]hell' },
        ],
        enter: 'keep',
        otherwise: 'rolled back',
      };
    case 'check-interrupted':
      return {
        text: ['The check has not finished. It continues while you decide.'],
        options: [goOn, { ...keep, label: '[k]eep the change unchecked' }, rollback],
        enter: 'continue',
        otherwise: 'rolled back',
      };
    case 'confirm':
      return {
        text: [question.text],
        options: [
          { choice: 'yes', words: ['y', 'yes'], label: '[y]es' },
          { choice: 'no', words: ['n', 'no'], label: '[n]o' },
        ],
        enter: 'no',
        otherwise: 'nothing done',
      };
  }
}

/**
 * Asks the person at the terminal. A stray key asks again. It always comes to an end, because the instance waits for it:
 * no answer in time, Ctrl-C, Ctrl-D and a terminal that went away are null. `findings` are lines that say what is wrong.
 */
export function createPerson(
  stdin: Readable,
  stderr: Writable & { readonly columns?: number },
  clock: Clock,
  findings: readonly string[] = [],
): Person['ask'] {
  return async (question, limitMs, signal) => {
    const form = formOf(question, findings);
    const prompt = createInterface({ input: stdin, output: stderr });
    const over = new AbortController();
    const end = Promise.race([
      gone(prompt),
      aborted(signal, over.signal),
      clock.sleep(limitMs, over.signal).then(() => null),
    ]);
    try {
      for (const line of shownText(form, limitMs, stderr.columns)) stderr.write(`${line}\n`);
      for (;;) {
        const answer = await Promise.race([answered(prompt, promptOf(form)), end]);
        if (answer === null) {
          stderr.write('\n');
          return null;
        }
        const choice = choiceOf(form, answer);
        if (choice !== null) return choice;
        stderr.write(`guard: "${neutralise(answer.trim(), 20)}" is not one of the answers.\n`);
      }
    } finally {
      over.abort();
      prompt.close();
      stdin.pause();
    }
  };
}

/** The choice that a line means; null where it means none. */
function choiceOf({ options, enter }: Form, line: string): Choice | null {
  const word = line.trim().toLowerCase();
  if (word === '') return enter;
  return options.find(({ words }) => words.includes(word))?.choice ?? null;
}

/** What the person did, as far as guard compares it. */
function sessionLines({ changes, differences }: Extract<Question, { kind: 'session' }>): string[] {
  if (differences.length === 0) return ['Nothing that guard compares has changed.'];
  const lines = changes === null ? [] : changeLines(changes, '').filter((line) => !line.startsWith('no package'));
  return [...lines, `Changed: ${differences.join(', ')}.`];
}

function shownText(
  { text: [first = '', ...rest], options, otherwise }: Form,
  limitMs: number,
  columns: number | undefined,
): string[] {
  const labels = options.map(({ label }) => label);
  const choices = `${labels.slice(0, -1).join(', ')} or ${labels.at(-1) ?? ''}?`;
  return [
    `guard: ${first}`,
    ...[...rest, `${choices} Without an answer: ${otherwise} after ${formatDuration(limitMs)}.`].map(
      (line) => `  ${line}`,
    ),
  ].flatMap((line) => wrapped(line, columns));
}

/** `k, r or s [k]: `: short, because readline wraps it in the middle of a word. */
function promptOf({ options, enter }: Form): string {
  const keys = options.map(({ words }) => words[0] ?? '');
  const preset = options.find(({ choice }) => choice === enter)?.words[0];
  return `  ${keys.slice(0, -1).join(', ')} or ${keys.at(-1) ?? ''}${preset === undefined ? '' : ` [${preset}]`}: `;
}

function answered(prompt: Interface, question: string): Promise<string> {
  return new Promise((resolve) => {
    prompt.question(question, resolve);
  });
}

function gone(prompt: Interface): Promise<null> {
  return new Promise((resolve) => {
    prompt.once('close', () => resolve(null));
    // Keys come to the prompt and not to the process while it reads them.
    prompt.once('SIGINT', () => resolve(null));
  });
}

function aborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(null);
    signal?.addEventListener('abort', () => resolve(null), { signal: over });
  });
}
