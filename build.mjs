// Bundles the program into one CommonJS file, the libraries that most runs do without into a second, and the launcher that
// starts them into a third: start-up is what people feel first. What is rarely needed stays behind import() and is only
// evaluated when it is used.
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { bundle, noPrograms, root, wrapped } from './packaging/bundle.mjs';
import { licenceText, packagesOf } from './packaging/bundled-packages.mjs';

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
    'array boolean enum globalRegistry int literal maximum maxLength meta minLength minimum nullable number object optional pipe ' +
    'record refine regex safeParse strictObject string toJSONSchema transform union'
  ).split(' '),
};
const rareNames = new RegExp(`^(${Object.keys(rare).join('|')})$`);

/** The bundle of the rare libraries: each is evaluated when it is asked for. */
const libraries = {
  name: 'libraries',
  setup: ({ onResolve, onLoad }) => {
    const resolveDir = root;
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
const rareFrom = (file) => ({
  name: 'rare',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: rareNames }, ({ path }) => ({ path, namespace: 'rare' }));
    onResolve({ filter: /./, namespace: 'rare' }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /./, namespace: 'rare' }, ({ path }) => {
      const names = rare[path];
      const library = `require('./${file}')['${path}']`;
      if (names === null) return { contents: `module.exports = ${library}` };
      // An import of a name that is not listed is a mistake that the build finds.
      const [taken, given] = [names.map((name) => `${name}: $${name}`), names.map((name) => `$${name} as ${name}`)];
      return { contents: `const { ${taken} } = ${library}; export { ${given} }` };
    });
  },
});

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
const libraryBundle = await bundle(
  { stdin: { contents: librariesEntry, resolveDir: root } },
  // Some of them tell things apart by the names of their functions.
  { ...wrapped, plugins: [libraries], keepNames: true },
);
const libraryFile = await putBundle('libraries', libraryBundle);
const program = await bundle(
  { entryPoints: ['src/main.ts'] },
  // The map is for the report of a bug (src/internal-error.ts): names that are kept would cost every start three milliseconds.
  { ...wrapped, plugins: [rareFrom(libraryFile), noPrograms], sourcemap: 'external', sourcesContent: false },
);
const programFile = await putBundle('program', program);
const bundleNames = { GUARD_PROGRAM: `./${programFile}`, GUARD_LIBRARIES: `./${libraryFile}` };
const define = Object.fromEntries(Object.entries(bundleNames).map(([name, value]) => [name, JSON.stringify(value)]));
// An old Node has to read it, to say which one guard needs.
const launcher = await bundle({ entryPoints: ['src/launcher.ts'] }, { define, target: 'es2018' });
const packages = await packagesOf(
  [libraryBundle, program, launcher].flatMap(({ inputs }) => inputs),
  root,
);
const names = packages.map(({ name, version }) => ({ name, version }));
await put('bundled-packages.json', `${JSON.stringify(names, null, 2)}\n`, 0o644);
await put('THIRD-PARTY-LICENSES.txt', await licenceText(packages), 0o644);
await put('guard.cjs', `#!/usr/bin/env node\n${launcher.text}`, 0o755);
const current = [programFile, `${programFile}.map`, libraryFile];
for (const file of await readdir(dist))
  if (/^(program|libraries)-\w+\.cjs(\.map)?$/.test(file) && !current.includes(file))
    await rm(new URL(file, dist), { force: true });
