import { jsonSchema } from '../../src/config/json-schema.ts';
import { keysOfAllKinds, kindsOf, mapOf, ownKeys, type Keys } from './configuration-schema.ts';
import { formOf, type Schema } from './json-schema.ts';
import { code, generatedNote, joined, table, type Page } from './markdown.ts';

/** docs/reference/configuration.md. */
export function configurationPage(): Page {
  const { properties = {}, definitions = {} } = mapOf(jsonSchema());
  const settings = mapOf(definitions['settings'] ?? {}).properties ?? {};
  return {
    path: 'docs/reference/configuration.md',
    text: joined(
      generatedNote,
      '# Settings of guard.yaml',
      'Every key with its form and its default. [guard.yaml](../configuration.md) explains where guard finds the file and how it merges its parts. [schema/guard.schema.json](../../schema/guard.schema.json) is the same as JSON Schema. A time is a number and a unit: `500ms`, `30s`, `5m`, `1h`, `7d`.',
      '## The file',
      rows(properties),
      '## settings',
      rows(settings),
      ...Object.entries(settings).flatMap(([name, schema]) => nested(name, schema)),
      '## check',
      'Every kind of check also has these keys:',
      rows(keysOfAllKinds(kindsOf(definitions))),
      ...kindsOf(definitions).flatMap((kind) => [
        `### ${kind.required?.[0] ?? ''}`,
        rows(ownKeys(kind, kindsOf(definitions))),
      ]),
      ...Object.entries(definitions)
        .filter(([name]) => name !== 'settings' && name !== 'check')
        .flatMap(([name, schema]) => [`## ${name}`, schema.description ?? '', rows(mapOf(schema).properties ?? {})]),
    ),
  };
}

function nested(name: string, schema: Schema): readonly string[] {
  const list = schema.anyOf?.find(({ items }) => items?.properties !== undefined) ?? schema;
  const { properties } = list.items ?? mapOf(schema);
  return properties === undefined ? [] : [`### ${name}`, schema.description ?? '', rows(properties)];
}

function rows(keys: Keys): string {
  return table(
    ['key', 'form', 'default', 'meaning'],
    Object.entries(keys).map(([key, schema]) => [code(key), formOf(schema), defaultOf(schema), meaningOf(schema)]),
  );
}

function defaultOf({ default: value }: Schema): string {
  if (value === undefined) return '';
  return code([value].flat().join(', '));
}

function meaningOf({ description = '', examples = [] }: Schema): string {
  return examples.length === 0
    ? description
    : `${description} Like ${examples.map((example) => code([example].flat().join(' '))).join(', ')}.`;
}
