import { jsonSchema } from '../../src/config/json-schema.ts';
import { keysOfAllKinds, kindsOf, mapOf, ownKeys, type Keys } from './configuration-schema.ts';
import { formOf, type Schema } from './json-schema.ts';
import type { Page } from './markdown.ts';
import { escapeRoff, taggedParagraph } from './roff.ts';

/** man/guard.yaml.5: every key with its form and default, for `man guard.yaml`. */
export function configurationManual(version: string): Page {
  const { definitions = {} } = jsonSchema() as Schema;
  const settings = mapOf(definitions['settings'] ?? {}).properties ?? {};
  const kinds = kindsOf(definitions);
  return {
    path: 'man/guard.yaml.5',
    text: `${[
      '.\\" Made by `npm run docs` from the source code. Do not edit.',
      `.TH GUARD.YAML 5 "" "guard ${version}" "File Formats"`,
      '.SH NAME',
      'guard.yaml \\- configuration of guard',
      '.SH DESCRIPTION',
      ...paragraphs(introduction),
      '.SH SETTINGS',
      ...terms(settings),
      ...Object.entries(settings).flatMap(([name, schema]) => nested(name, schema)),
      '.SH CHECKS',
      'Every kind of check has these keys:',
      ...terms(keysOfAllKinds(kinds)),
      ...kinds.flatMap((kind) => [`.SS ${escapeRoff(kind.required?.[0] ?? '')}`, ...terms(ownKeys(kind, kinds))]),
      '.SH FILES',
      ...places.flatMap((path) => ['.TP', `.I ${escapeRoff(path)}`]),
      '.SH EXAMPLE',
      '.nf',
      escapeRoff(example),
      '.fi',
      '.SH SEE ALSO',
      '.BR guard (1)',
    ].join('\n')}\n`,
  };
}

const introduction = [
  'guard needs no configuration. In guard.yaml (YAML 1.2) you define health checks, time limits, and what to do when a change fails.',
  'guard reads only the first file that exists. It applies the settings below defaults, then every block below instances that matches the instance, the most specific one last. Command line options override the file.',
  'A time is a number and a unit: 500ms, 30s, 5m, 1h, 7d. An unknown key is an error (exit status 78).',
];

const places = [
  'the file of --config',
  './guard.yaml',
  '$XDG_CONFIG_HOME/guard/guard.yaml (~/.config/guard/guard.yaml)',
  '/etc/guard/guard.yaml',
];

const example = `defaults:
  soak: 30s
instances:
  "web-*":
    restart: true
    checks:
      website:
        http: http://{address}/health`;

function paragraphs(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text, index) => [...(index === 0 ? [] : ['.PP']), escapeRoff(text)]);
}

function terms(keys: Keys): readonly string[] {
  return Object.entries(keys).flatMap(([words, schema]) =>
    taggedParagraph({ words, description: plain(meaningOf(schema)) }),
  );
}

function nested(name: string, schema: Schema): readonly string[] {
  const list = schema.anyOf?.find(({ items }) => items?.properties !== undefined) ?? schema;
  const { properties } = list.items ?? mapOf(schema);
  return properties === undefined ? [] : [`.SS ${escapeRoff(name)}`, ...terms(properties)];
}

function meaningOf(schema: Schema): string {
  const { description: meaning = '', default: value } = schema;
  const standard = value === undefined ? '' : ` Default: ${[value].flat().join(', ')}.`;
  return `${meaning} Form: ${formOf(schema)}.${standard}`.trim();
}

/** Without what only markdown shows. */
function plain(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}
