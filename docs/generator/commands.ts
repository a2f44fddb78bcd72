import type { CommandDescription, Group, Term } from './command-line.ts';
import { block, code, generatedNote, joined, table, type Page } from './markdown.ts';

/** docs/reference/commands.md. */
export function commandsPage(commands: readonly CommandDescription[]): Page {
  return {
    path: 'docs/reference/commands.md',
    text: joined(
      generatedNote,
      '# Commands',
      'What `guard --help` and `guard <command> --help` say. Times are written `500ms`, `30s`, `5m`, `1h`, `7d`.',
      commands.map(({ name }) => `- [${code(name)}](#${name.replaceAll(' ', '-')})`).join('\n'),
      ...commands.map(section),
    ),
  };
}

function section({ name, usage, description, terms, groups, after }: CommandDescription): string {
  return joined(
    `## ${name}`,
    description,
    block(usage),
    terms.length === 0 ? '' : table(['argument', 'meaning'], terms.map(row)),
    ...groups.map(options),
    after === '' ? '' : block(after),
  ).trimEnd();
}

function options({ title, options, sameAs }: Group): string {
  return sameAs === null
    ? table([title.toLowerCase(), 'meaning'], options.map(row))
    : `${title}: as of [${code(sameAs)}](#${sameAs.replaceAll(' ', '-')}).`;
}

function row({ words, description }: Term): readonly string[] {
  return [code(words), description];
}
