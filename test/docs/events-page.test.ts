import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// docs/reference/events.md names every field of the schema, also those of objects in objects and in lists.

const project = join(import.meta.dirname, '../..');

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly const?: unknown;
  readonly $defs?: Readonly<Record<string, Node>>;
}

const published = JSON.parse(await readFile(join(project, 'schema/events.schema.json'), 'utf8')) as Node;
const page = await readFile(join(project, 'docs/reference/events.md'), 'utf8');

/** The text below one heading, by heading. */
const sections = new Map(
  page
    .split(/^#+ /m)
    .slice(1)
    .map((part) => [part.split('\n', 1)[0] ?? '', part] as const),
);

function pathsOf({ properties = {}, items, anyOf = [] }: Node, path: string): string[] {
  return [
    ...Object.entries(properties).flatMap(([key, node]) => {
      const inner = path === '' ? key : `${path}.${key}`;
      return [inner, ...pathsOf(node, inner)];
    }),
    ...(items === undefined ? [] : pathsOf(items, `${path}[]`)),
    ...anyOf.flatMap((choice) => pathsOf(choice, path)),
  ];
}

const common = ['v', 'at', 'type'];
const events = (published.anyOf ?? []).map(
  (event) => [`Event ${String(event.properties?.['type']?.const)}`, event] as const,
);
const parts = Object.entries(published.$defs ?? {});

test('the schema has nested fields to look for', () => {
  const changes = events.find(([type]) => type === 'Event changes')?.[1] ?? {};
  expect(pathsOf(changes, '')).toEqual(expect.arrayContaining(['changes.units.changed', 'changes.units.changed[].to']));
});

test.each([...events, ...parts])('%s: every field is in the page', (name, node) => {
  const section = sections.get(name) ?? '';
  const missing = pathsOf(node, '').filter((path) => !common.includes(path) && !section.includes(`| \`${path}\` |`));
  expect(missing).toEqual([]);
});
