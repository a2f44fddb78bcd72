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
      `${description} [schema/events.schema.json](../../schema/events.schema.json) is the same as JSON Schema. \`guard show --json\` writes the events of a past run.`,
      '## Every event',
      fields(first, (key) => common.includes(key)),
      ...anyOf.flatMap((event) => [
        `## Event ${String(event.properties?.['type']?.const)}`,
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

function fields(schema: Schema, isWanted: (key: string) => boolean): string {
  const rows = fieldRows(schema, '', isWanted);
  return rows.length === 0 ? '' : table(['field', 'form', 'meaning'], rows);
}

/** One row for each field, and after it those of the objects in it: `changes.units.changed[].name`. */
function fieldRows(
  { properties = {}, required = [] }: Schema,
  prefix: string,
  isWanted: (key: string) => boolean = () => true,
): string[][] {
  return Object.entries(properties)
    .filter(([key]) => isWanted(key))
    .flatMap(([key, schema]) => {
      const path = prefix + key;
      const form = formOf(schema);
      return [
        [code(path), required.includes(key) ? form : `${form}, optional`, schema.description ?? ''],
        ...nestedRows(schema, path),
      ];
    });
}

function nestedRows({ items, anyOf, properties, ...schema }: Schema, path: string): string[][] {
  if (properties !== undefined) return fieldRows({ ...schema, properties }, `${path}.`);
  if (items !== undefined) return nestedRows(items, `${path}[]`);
  return (anyOf ?? []).flatMap((choice) => nestedRows(choice, path));
}
