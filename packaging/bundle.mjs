// How sources become one file: what the npm package (build.mjs) and the single file (packaging/single-file.mjs) share.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** What `guard version` says of the build. package.json is the only place that has the version. */
export const buildInfo = {
  version: JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version,
  // A release's tag has one commit more, with the action's program, which was built from the one before.
  commit: process.env.GUARD_COMMIT ?? currentCommit(),
};

/** Abbreviated, with a `+` where files differ from it; `unknown` outside of a repository. */
function currentCommit() {
  const git = (...words) =>
    execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    // In a folder that was unpacked inside of another repository, git would tell of that one.
    if (git('rev-parse', '--show-prefix') !== '') return 'unknown';
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** Bundles an entry into `{ text, map, inputs }`. */
export async function bundle(entry, options = {}) {
  const { define, ...more } = options;
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
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
    define: {
      GUARD_VERSION: JSON.stringify(buildInfo.version),
      GUARD_COMMIT: JSON.stringify(buildInfo.commit),
      // ws would load native helpers of others from around the program, where there are any.
      'process.env.WS_NO_BUFFER_UTIL': '"1"',
      'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
      ...define,
    },
    metafile: true,
    logLevel: 'warning',
    logOverride: { 'import-is-undefined': 'error' },
    ...more,
  });
  const textOf = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text;
  return { text: textOf('.cjs'), map: textOf('.map'), inputs: usedInputs(metafile) };
}

/** The files of which something is left in the output. */
function usedInputs({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
}

/** For a bundle that guard compiles itself: as if Node had wrapped the file. */
export const wrapped = {
  banner: { js: '(function(require,module,exports,__filename,__dirname){' },
  footer: { js: '})' },
};

/** commander would start subcommands that are programs of their own with it; guard has none, and it takes a while to load. */
export const noPrograms = {
  name: 'no-programs',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace: 'no-programs' } : null,
    );
    onLoad({ filter: /./, namespace: 'no-programs' }, () => ({ contents: 'module.exports = {}' }));
  },
};
