// Bundles src/main.ts into one CommonJS file: start-up is what people feel first. Rarely needed libraries stay behind
// import() and are only evaluated when they are used.
import { build } from 'esbuild';
import { chmod, readFile, rename } from 'node:fs/promises';

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/.guard.cjs.new',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'none',
  banner: { js: '#!/usr/bin/env node' },
  define: { GUARD_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
// In one step, so that a guard that starts at this moment is the old one or the new one.
const built = new URL('dist/.guard.cjs.new', import.meta.url);
await chmod(built, 0o755);
await rename(built, new URL('dist/guard.cjs', import.meta.url));
