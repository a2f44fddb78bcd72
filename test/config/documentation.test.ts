import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/config/defaults.ts';
import { settingsFor } from '../../src/config/effective-settings.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { mistakesIn, read } from './read.ts';

const text = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

describe('docs/configuration.md', () => {
  test.each(examples)('an example is right: %#', (example) => {
    expect(read(example).file).not.toBeNull();
  });

  test('the examples show every kind of check and every key of each', () => {
    const { definitions } = jsonSchema() as { definitions: { check: { anyOf: { properties: object }[] } } };
    const keys = new Set(definitions.check.anyOf.flatMap(({ properties }) => Object.keys(properties)));
    const missing = [...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(text));
    expect(keys.size).toBeGreaterThan(30);
    expect(missing).toEqual([]);
  });

  test('the table names every setting with its default', () => {
    const table = /## Settings([\s\S]*?)\n## /.exec(text)?.[1] ?? '';
    const rows = [...table.matchAll(/^\| (`.*?`) \| (.*?) \|/gm)];
    const named = rows.flatMap(([, names = '', value = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map((match) => [match[1], /^`(.*?)`/.exec(value)?.[1]]),
    );
    const { definitions } = jsonSchema() as { definitions: { settings: { anyOf: { properties: object }[] } } };
    expect(new Set(named.map(([name]) => name))).toEqual(
      new Set(Object.keys(definitions.settings.anyOf[0]?.properties ?? {})),
    );
    const written = named.filter(([, value]) => value !== undefined).map(([name, value]) => `  ${name}: ${value}`);
    expect(settingsFor(read(`defaults:\n${written.join('\n')}`), { name: 'a', remote: null })).toEqual(defaultSettings);
  });

  test('the mistake it shows is the one that is said', () => {
    const said = mistakesIn('defaults:\n  sook: 10s').map(formatMistake).join('\n');
    expect(text).toContain(said.replace(/^/gm, '    '));
  });

  test('what is joined is joined as it says', () => {
    const settings = settingsFor(read(examples[1] ?? ''), { name: 'test-1', remote: null });
    expect(settings.environment).toEqual({ LANG: 'C.UTF-8' });
    expect(settings.checks).toMatchObject([{ name: 'web', url: 'http://{address}:8080/', timeoutMs: 30_000 }]);
  });
});
