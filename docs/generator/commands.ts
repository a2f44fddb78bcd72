import type { CommandDescription, Group, Term } from './command-line.ts';
import { block, code, generatedNote, joined, table, type Page } from './markdown.ts';

/** docs/reference/commands.md. */
export const commandsPage = (commands: readonly CommandDescription[]): Page => ({
  path: 'docs/reference/commands.md',
  text: joined(
    generatedNote,
    '# Commands',
    'What `guard --help` and `guard <command> --help` say. Times are written `500ms`, `30s`, `5m`, `1h`, `7d`.',
    commands.map(({ name }) => `- [${code(name)}](#${name.replaceAll(' ', '-')})`).join('\n'),
    ...commands.map(section),
  ),
});

const section = ({ name, usage, description, terms, groups, after }: CommandDescription): string =>
  joined(
    `## ${name}`,
    description,
    block(usage),
    terms.length === 0 ? '' : table(['argument', 'meaning'], terms.map(row)),
    ...groups.map(options),
    after === '' ? '' : block(after),
  ).trimEnd();

const options = ({ title, options, sameAs }: Group): string =>
  sameAs === null
    ? table([title.toLowerCase(), 'meaning'], options.map(row))
    : `${title}: as of [${code(sameAs)}](#${sameAs.replaceAll(' ', '-')}).`;

const row = ({ words, says }: Term): readonly string[] => [code(words), says];
