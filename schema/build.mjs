// Writes schema/guard.schema.json from the one schema in src/config. A test says when it is to be run again.
import { build } from 'esbuild';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const { outputFiles } = await build({
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
  entryPoints: ['src/config/json-schema.ts'],
  bundle: true,
  loader: { '.sh': 'text' },
  platform: 'node',
  format: 'esm',
  write: false,
});
const { jsonSchema } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
);
const target = fileURLToPath(new URL('guard.schema.json', import.meta.url));
const options = await resolveConfig(target);
await writeFile(target, await format(JSON.stringify(jsonSchema()), { ...options, filepath: target }));
