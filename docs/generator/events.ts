import { formOf, type Schema } from './json-schema.ts';
import { code, generatedNote, joined, table, type Page } from './markdown.ts';

/** docs/reference/events.md, from schema/events.schema.json, which a test holds in step with src/event.ts. */
export function eventsPage(published: Schema): Page {
  const { description = '', anyOf = [], $defs = {} } = published;
  const [first = {}] = anyOf;
  const common = Object.keys(first.properties ?? {}).filter((key) =>
    anyOf.every(({ properties = {} }) => JSON.stringify(properties[key]) === JSON.stringify(first.properties?.[key])),
  );
  return {
    path: 'docs/reference/events.md',
    text: joined(
      generatedNote,
      '# Events',
      `${description} The same as JSON Schema is [schema/events.schema.json](../../schema/events.schema.json). \`guard show --json\` writes those of a past run.`,
      '## Every event',
      fields(first, (key) => common.includes(key)),
      ...anyOf.flatMap((event) => [
        `## ${String(event.properties?.['type']?.const)}`,
        event.description ?? '',
        fields(event, (key) => key !== 'type' && !common.includes(key)),
      ]),
      '# Parts of events',
      ...Object.entries($defs).flatMap(([name, part]) => [`## ${name}`, part.description ?? '', ...partOf(part)]),
    ),
  };
}

function partOf(part: Schema): readonly string[] {
  const choices = part.anyOf ?? part.oneOf;
  if (choices?.some(({ properties }) => properties !== undefined))
    return choices.flatMap((choice) => [choice.description ?? '', fields(choice, () => true)]);
  return [part.properties === undefined ? formOf(part) : fields(part, () => true)];
}

function fields({ properties = {}, required = [] }: Schema, isWanted: (key: string) => boolean): string {
  const keys = Object.keys(properties).filter(isWanted);
  if (keys.length === 0) return '';
  return table(
    ['field', 'form', 'meaning'],
    keys.map((key) => {
      const schema = properties[key] ?? {};
      const form = formOf(schema);
      return [code(key), required.includes(key) ? form : `${form}, may be absent`, schema.description ?? ''];
    }),
  );
}
