// Writes docs/reference and the man page from the code. With --check it only says whether they are stale.
import { build } from 'esbuild';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
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
const { generatedPages, pagesWithOtherFigures } = (await import(pathToFileURL(bundle))).default;
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
// The times in the pages are those that `npm run test:docs` measured.
const howTo = (await readdir(join(project, 'docs/how-to'))).map((name) => `docs/how-to/${name}`);
const paths = ['README.md', 'docs/tutorial.md', ...howTo];
const pages = new Map(
  await Promise.all(paths.map(async (path) => [path, await readFile(join(project, path), 'utf8')])),
);
const other = pagesWithOtherFigures(pages, await json('docs/figures.json'));
if (process.argv.includes('--check') && other.length > 0) {
  console.error(`Times that no test measured: ${other.join(', ')}. Run: GUARD_DOCS_WRITE=1 npm run test:docs`);
  process.exitCode = 1;
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run: npm run docs`);
  process.exitCode = 1;
}
