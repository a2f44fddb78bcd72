import { outcomeTable } from '../../src/run/outcome.ts';
import type { CommandDescription, Term } from './command-line.ts';
import type { Page } from './markdown.ts';

/** man/guard.1: everything that the help says, for `man guard`. */
export function manualPage(commands: readonly CommandDescription[], version: string): Page {
  return {
    path: 'man/guard.1',
    text: `${[
      '.\\" Made by `npm run docs` from the source code. Do not edit.',
      `.TH GUARD 1 "" "guard ${version}" "User Commands"`,
      '.SH NAME',
      'guard \\- make a risky change to an Incus container safe to try',
      '.SH SYNOPSIS',
      ...commands.map(({ usage }) => `.nf\n${escaped(usage)}\n.fi`),
      '.SH DESCRIPTION',
      escaped(commands[0]?.description ?? ''),
      '.SH COMMANDS',
      ...commands.slice(1).flatMap(section),
      '.SH EXIT STATUS',
      ...outcomeTable.flatMap(({ exit, name, meaning }) =>
        term({ words: String(exit), description: `${name}: ${meaning}.` }),
      ),
      '.SH FILES',
      ...files.flatMap(term),
      '.SH ENVIRONMENT',
      ...environment.flatMap(term),
      '.SH SEE ALSO',
      '.BR incus (1)',
    ].join('\n')}\n`,
  };
}

const files: readonly Term[] = [
  {
    words: 'guard.yaml',
    description: 'The configuration: in the working directory, else ~/.config/guard, else /etc/guard.',
  },
  { words: '/var/lib/guard, ~/.local/state/guard', description: 'The records of runs: of root, and of other users.' },
];

const environment: readonly Term[] = [
  {
    words: 'INCUS_DIR, INCUS_SOCKET, INCUS_CONF, INCUS_REMOTE, INCUS_PROJECT',
    description: 'As in the incus command.',
  },
  { words: 'GUARD_STATE_DIR', description: 'The folder of the records of runs.' },
];

function section({ name, description, terms, groups, after }: CommandDescription): readonly string[] {
  return [
    `.SS ${escaped(name)}`,
    escaped(description),
    ...terms.flatMap(term),
    ...groups.flatMap(({ title, options, sameAs }) =>
      sameAs === null ? options.flatMap(term) : ['.PP', escaped(`${title}: as of ${sameAs}.`)],
    ),
    ...(after === '' ? [] : ['.PP', '.nf', escaped(after), '.fi']),
  ];
}

function term({ words, description }: Term): readonly string[] {
  return ['.TP', `.B ${escaped(words)}`, escaped(description)];
}

// A line that begins with a dot or an apostrophe would be a request to roff.
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
