import { outcomeTable } from '../../src/run/outcome.ts';
import type { CommandDescription, Term } from './command-line.ts';
import type { Page } from './markdown.ts';
import { escapeRoff, taggedParagraph } from './roff.ts';

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
      ...commands.map(({ usage }) => `.nf\n${escapeRoff(usage)}\n.fi`),
      '.SH DESCRIPTION',
      escapeRoff(commands[0]?.description ?? ''),
      '.SH COMMANDS',
      ...commands.slice(1).flatMap(section),
      '.SH EXIT STATUS',
      ...outcomeTable.flatMap(({ exit, name, meaning }) =>
        taggedParagraph({ words: String(exit), description: `${name}: ${meaning}.` }),
      ),
      '.SH FILES',
      ...files.flatMap(taggedParagraph),
      '.SH ENVIRONMENT',
      ...environment.flatMap(taggedParagraph),
      '.SH SEE ALSO',
      '.BR guard.yaml (5),',
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
  { words: 'LXD_DIR, LXD_SOCKET, LXD_CONF, LXC_REMOTE', description: 'As in the lxc command.' },
  { words: 'GUARD_STATE_DIR', description: 'The folder of the records of runs.' },
];

function section({ name, description, terms, groups, after }: CommandDescription): readonly string[] {
  return [
    `.SS ${escapeRoff(name)}`,
    escapeRoff(description),
    ...terms.flatMap(taggedParagraph),
    ...groups.flatMap(({ title, options, sameAs }) =>
      sameAs === null
        ? ['.PP', `.B ${escapeRoff(title)}:`, ...options.flatMap(taggedParagraph)]
        : ['.PP', escapeRoff(`${title}: as of ${sameAs}.`)],
    ),
    ...(after === '' ? [] : ['.PP', '.nf', escapeRoff(after), '.fi']),
  ];
}
