// Bundles the program into one CommonJS file, and the launcher that starts it into another: start-up is what people feel
// first. Rarely needed libraries stay behind import() and are only evaluated when they are used.
import { createHash } from 'node:crypto';
import { build } from 'esbuild';
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));

const bundled = async (entry, define) => {
  const { outputFiles } = await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: [entry],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    // The launcher compiles the program itself, which leaves no way for an import() at run time.
    supported: { 'dynamic-import': false },
    charset: 'ascii',
    minify: true,
    // Stack traces are part of a bug's report.
    keepNames: true,
    legalComments: 'none',
    define: { GUARD_VERSION: JSON.stringify(version), ...define },
    logLevel: 'warning',
  });
  return outputFiles[0].text;
};

const dist = new URL('dist/', import.meta.url);

/** In one step, so that a guard that starts at this moment is the old one or the new one. */
const put = async (name, text, mode) => {
  const draft = new URL(`.${name}.${process.pid}`, dist);
  await writeFile(draft, text);
  await chmod(draft, mode);
  await rename(draft, new URL(name, dist));
};

await mkdir(dist, { recursive: true });
const program = await bundled('src/main.ts', {});
const name = `program-${createHash('sha256').update(program).digest('hex').slice(0, 12)}.cjs`;
await put(name, program, 0o644);
await put(
  'guard.cjs',
  `#!/usr/bin/env node\n${await bundled('src/launcher.ts', { GUARD_PROGRAM: JSON.stringify(name) })}`,
  0o755,
);
for (const file of await readdir(dist))
  if (/^program-\w+\.cjs$/.test(file) && file !== name) await rm(new URL(file, dist), { force: true });
