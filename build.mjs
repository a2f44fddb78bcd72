// Bundles the program into one CommonJS file, the libraries that most runs do without into a second, and the launcher that
// starts them into a third: start-up is what people feel first. What is rarely needed stays behind import() and is only
// evaluated when it is used.
import { createHash } from 'node:crypto';
import { build } from 'esbuild';
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));

const bundled = async (entry, options = {}) => {
  const { define, ...more } = options;
  const { outputFiles } = await build({
    absWorkingDir: import.meta.dirname,
    ...entry,
    outfile: 'dist/bundle.cjs',
    write: false,
    bundle: true,
    loader: { '.sh': 'text' },
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    // The launcher compiles the bundles itself, which leaves no way for an import() at run time.
    supported: { 'dynamic-import': false },
    charset: 'ascii',
    minify: true,
    legalComments: 'none',
    define: { GUARD_VERSION: JSON.stringify(version), ...define },
    logLevel: 'warning',
    logOverride: { 'import-is-undefined': 'error' },
    ...more,
  });
  const textOf = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text;
  return { text: textOf('.cjs'), map: textOf('.map') };
};

/** What the launcher calls: as if Node had wrapped the file itself. */
const wrapped = { banner: { js: '(function(require,module,exports,__filename,__dirname){' }, footer: { js: '})' } };

/** Reached only through import(), which `test/code-cache.test.ts` holds; with the names that are used, where that leaves much away. */
const rare = {
  'dns-packet': null,
  execa: ['execa'],
  listr2: ['DefaultRenderer', 'Listr', 'ListrLogger', 'ProcessOutput'],
  picomatch: null,
  'prom-client': null,
  'tar/header': ['Header'],
  'tar/pax': ['Pax'],
  yaml: null,
  'zod/mini': (
    'array boolean enum globalRegistry int maximum meta minLength minimum nullable number optional pipe record refine regex ' +
    'safeParse strictObject string toJSONSchema transform union'
  ).split(' '),
};
const rareNames = new RegExp(`^(${Object.keys(rare).join('|')})$`);

/** The bundle of the rare libraries: each is evaluated when it is asked for. */
const libraries = {
  name: 'libraries',
  setup: ({ onResolve, onLoad }) => {
    const resolveDir = import.meta.dirname;
    onResolve({ filter: /^rare:/ }, ({ path }) => ({ path: path.slice(5), namespace: 'rare' }));
    onLoad({ filter: /./, namespace: 'rare' }, ({ path }) => {
      const names = rare[path];
      const contents = names ? `export { ${names.join()} } from '${path}'` : `module.exports = require('${path}')`;
      return { contents, resolveDir };
    });
  },
};
const getters = Object.keys(rare).map((name) => `get '${name}'() { return require('rare:${name}') }`);
const librariesEntry = `module.exports = { ${getters.join()} }`;

/** In the program's bundle, an import of a rare library takes it from theirs. */
const rareFrom = (bundle) => ({
  name: 'rare',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: rareNames }, ({ path }) => ({ path, namespace: 'rare' }));
    onResolve({ filter: /./, namespace: 'rare' }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /./, namespace: 'rare' }, ({ path }) => {
      const names = rare[path];
      const library = `require('./${bundle}')['${path}']`;
      if (names === null) return { contents: `module.exports = ${library}` };
      // An import of a name that is not listed is a mistake that the build finds.
      const [taken, given] = [names.map((name) => `${name}: $${name}`), names.map((name) => `$${name} as ${name}`)];
      return { contents: `const { ${taken} } = ${library}; export { ${given} }` };
    });
  },
});

/** commander would start subcommands that are programs of their own with it; guard has none, and it takes a while to load. */
const noPrograms = {
  name: 'no-programs',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace: 'no-programs' } : null,
    );
    onLoad({ filter: /./, namespace: 'no-programs' }, () => ({ contents: 'module.exports = {}' }));
  },
};

const dist = new URL('dist/', import.meta.url);

/** In one step, so that a guard that starts at this moment is the old one or the new one. */
const put = async (name, text, mode) => {
  const draft = new URL(`.${name}.${process.pid}`, dist);
  await writeFile(draft, text);
  await chmod(draft, mode);
  await rename(draft, new URL(name, dist));
};

/** The name of a bundle tells its content. */
const putBundle = async (kind, { text, map }) => {
  const name = `${kind}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.cjs`;
  await put(name, text, 0o644);
  if (map !== undefined) await put(`${name}.map`, map, 0o644);
  return name;
};

await mkdir(dist, { recursive: true });
const libraryBundle = await putBundle(
  'libraries',
  await bundled(
    { stdin: { contents: librariesEntry, resolveDir: import.meta.dirname } },
    // Some of them tell things apart by the names of their functions.
    { ...wrapped, plugins: [libraries], keepNames: true },
  ),
);
const program = await putBundle(
  'program',
  await bundled(
    { entryPoints: ['src/main.ts'] },
    // The map is for the report of a bug (src/bug.ts): names that are kept would cost every start three milliseconds.
    { ...wrapped, plugins: [rareFrom(libraryBundle), noPrograms], sourcemap: 'external', sourcesContent: false },
  ),
);
const names = { GUARD_PROGRAM: `./${program}`, GUARD_LIBRARIES: `./${libraryBundle}` };
const define = Object.fromEntries(Object.entries(names).map(([name, value]) => [name, JSON.stringify(value)]));
const launcher = await bundled({ entryPoints: ['src/launcher.ts'] }, { define });
await put('guard.cjs', `#!/usr/bin/env node\n${launcher.text}`, 0o755);
const current = [program, `${program}.map`, libraryBundle];
for (const file of await readdir(dist))
  if (/^(program|libraries)-\w+\.cjs(\.map)?$/.test(file) && !current.includes(file))
    await rm(new URL(file, dist), { force: true });
