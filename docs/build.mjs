// Writes docs/reference and the man page from the code. With --check it only says whether they are stale.
import { build } from 'esbuild';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const bundle = join(project, `node_modules/.docs-generator-${process.pid}.cjs`);

await build({
  absWorkingDir: project,
  entryPoints: ['docs/generator/pages.ts'],
  outfile: bundle,
  bundle: true,
  loader: { '.sh': 'text' },
  platform: 'node',
  format: 'cjs',
  logLevel: 'warning',
});
const { generatedPages } = (await import(pathToFileURL(bundle))).default;
await rm(bundle);

const json = async (path) => JSON.parse(await readFile(join(project, path), 'utf8'));
const { version } = await json('package.json');
const stale = [];
for (const { path, text } of await generatedPages(version, await json('schema/events.schema.json'))) {
  const target = join(project, path);
  if ((await readFile(target, 'utf8').catch(() => null)) === text) continue;
  stale.push(path);
  if (process.argv.includes('--check')) continue;
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text);
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run: npm run docs`);
  process.exitCode = 1;
}
