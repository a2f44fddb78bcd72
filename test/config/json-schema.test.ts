import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/config/defaults.ts';
import { settingsFor } from '../../src/config/effective-settings.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { read } from './read.ts';

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Node[];
  readonly definitions?: Readonly<Record<string, Node>>;
}

const schema = jsonSchema() as Node;

const settings = schema.definitions?.['settings']?.anyOf?.[0] ?? {};
const checks = schema.definitions?.['check']?.anyOf ?? [];

const defaultsOf = (node: Node): [name: string, value: unknown][] =>
  Object.entries(node.properties ?? {}).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value]],
  );

describe('the published schema', () => {
  test('is the one that guard obeys (npm run schema writes it)', async () => {
    const published = await readFile(new URL('../../schema/guard.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(schema)));
  });

  test('knows every setting and every kind of check', () => {
    expect(Object.keys(settings.properties ?? {})).toHaveLength(Object.keys(defaultSettings).length);
    expect(checks.map(({ required }) => required)).toEqual(
      ['exec', 'host', 'http', 'tcp', 'dns', 'systemd', 'plugin', 'directory'].map((kind) => [kind]),
    );
  });

  test('describes every key for editors, and allows no other', () => {
    const nodes: Node[] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('properties' in node) nodes.push(node as Node);
      Object.values(node).forEach(visit);
    };
    visit(schema);
    expect(nodes.length).toBeGreaterThan(10);
    for (const node of nodes) {
      expect(node.additionalProperties).toBe(false);
      const { matches: _selfEvident, ...properties } = node.properties ?? {};
      const undescribed = Object.keys(properties).filter((name) => !properties[name]?.description?.endsWith('.'));
      expect(undescribed).toEqual([]);
    }
  });
});

describe('the defaults it names are those that hold', () => {
  test('of settings', () => {
    const named = defaultsOf(settings);
    expect(named.length).toBeGreaterThan(15);
    const text = JSON.stringify({ defaults: Object.fromEntries(named) });
    expect(settingsFor(read(text), { name: 'web', remote: null })).toEqual(defaultSettings);
  });

  test.each(checks.map((node): [string, Node] => [node.required?.[0] ?? '', node]))('of %s', (kind, node) => {
    const asked: Record<string, unknown> = {
      [kind]: { http: 'http://a/', tcp: 25, directory: '/x' }[kind] ?? 'x',
    };
    const checkOf = (definition: object): unknown =>
      read(JSON.stringify({ defaults: { checks: { it: definition } } })).defaults.checks?.['it'];
    expect(defaultsOf(node).length).toBeGreaterThan(4);
    expect(checkOf({ ...asked, ...Object.fromEntries(defaultsOf(node)) })).toEqual(checkOf(asked));
  });
});
