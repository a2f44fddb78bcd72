import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

interface Bill {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string };
  readonly components: readonly { readonly name: string; readonly version: string; readonly licenses?: unknown[] }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const root = resolve(import.meta.dirname, '../..');
const { billOfMaterials } = (await import(resolve(root, 'packaging/sbom.mjs'))) as {
  readonly billOfMaterials: (seconds: number) => Promise<string>;
};

test('the bill of materials has what is in the program and nothing else, with the same bytes each time', async () => {
  const [text, again] = [await billOfMaterials(1_800_000_000), await billOfMaterials(1_800_000_000)];
  expect(again).toBe(text);
  const { serialNumber, metadata, components, dependencies } = JSON.parse(text) as Bill;
  expect(metadata.timestamp).toBe('2027-01-15T08:00:00.000Z');
  expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const bundled = JSON.parse(await readFile(resolve(root, 'dist/bundled-packages.json'), 'utf8')) as unknown[];
  expect(components.filter(({ name }) => name !== 'node')).toHaveLength(bundled.length);
  expect(components.map(({ name }) => name)).toEqual(expect.arrayContaining(['commander', 'node', 'ws', 'zod']));
  expect(components.filter(({ licenses }) => licenses === undefined || licenses.length === 0)).toEqual([]);
  expect(dependencies[0]?.dependsOn).toHaveLength(components.length);
}, 120_000);
