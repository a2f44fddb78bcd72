// Builds the single executables, Node included: node packaging/single-file.mjs OUT [x64 arm64 …]. Which Node is said by
// packaging/single-file/package-lock.json. Needs binutils (strip).
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { bundle, noPrograms, root, wrapped } from './bundle.mjs';
import { strippers } from './strippers.mjs';

const parts = join(root, 'packaging/single-file');
const [out = 'dist/release', ...named] = process.argv.slice(2);
const architectures = named.length > 0 ? named : ['x64'];
// The Node that makes the compiled code, which fits no other version and no other architecture.
const native = process.arch;
const nativeNode = join(parts, `node_modules/node-linux-${native}/bin/node`);

/** Node's mark for where the blob is, https://nodejs.org/api/single-executable-applications.html. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

await fetchParts();
const work = await mkdtemp(join(tmpdir(), 'guard-single-file-'));
try {
  await mkdir(resolve(out), { recursive: true });
  await writeBundles();
  if (architectures.includes(native)) compile();
  for (const architecture of architectures) {
    const blob = join(work, `${architecture}.blob`);
    await makeBlob(blob, architecture === native);
    await makeExecutable(architecture, blob, join(resolve(out), `guard-linux-${architecture}`));
  }
  await copyFile(
    join(parts, `node_modules/node-linux-${architectures[0]}/LICENSE`),
    join(resolve(out), 'NODE-LICENSE.txt'),
  );
} finally {
  await rm(work, { recursive: true });
}

/** What the lock file names, with its checksums. Each Node names the one architecture that it runs on: hence --force. */
async function fetchParts() {
  const lock = join(parts, 'package-lock.json');
  const installed = join(parts, 'node_modules/.package-lock.json');
  const [wanted, found] = await Promise.all([lock, installed].map((path) => stat(path).catch(() => null)));
  if (found !== null && found.mtimeMs >= wanted.mtimeMs) return;
  execFileSync('npm', ['ci', '--force', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: parts,
    stdio: 'inherit',
  });
}

/** The entry; the program, which the entry starts; and what compiles the program. */
async function writeBundles() {
  const write = async (name, entry, options) => {
    const { text } = await bundle({ entryPoints: [entry] }, { target: 'node24', ...options });
    await writeFile(join(work, name), text);
  };
  await write('guard.cjs', 'src/single-file.ts');
  await write('compile.cjs', 'packaging/single-file/compile.ts');
  // Some libraries tell things apart by the names of their functions.
  await write('program.cjs', 'src/main.ts', { ...wrapped, plugins: [noPrograms], keepNames: true });
}

/** V8's compiled code of the program, made by the Node that takes it. */
function compile() {
  // The same bytes each time; V8 does not compare this flag when it takes the code.
  const words = ['--random-seed=1', 'compile.cjs', 'program.cjs', 'program.code'];
  const nowhere = join(work, 'nowhere');
  const env = { HOME: nowhere, GUARD_STATE_DIR: nowhere, INCUS_SOCKET: nowhere, INCUS_CONF: nowhere };
  const { status, stderr } = spawnSync(nativeNode, words, { cwd: work, env, encoding: 'utf8' });
  // guard has refused the run because there is no server.
  if (status !== 30) throw new Error(`the program was not compiled, status ${status}: ${stderr}`);
}

async function makeBlob(output, withCode) {
  const configuration = join(work, 'sea.json');
  await writeFile(
    configuration,
    JSON.stringify({
      // Paths are kept in the blob, which is to have the same bytes wherever it is made.
      main: 'guard.cjs',
      output: basename(output),
      assets: {
        ...(await hookParts()),
        'program.cjs': 'program.cjs',
        ...(withCode ? { 'program.code': 'program.code' } : {}),
      },
      disableExperimentalSEAWarning: true,
      // NODE_OPTIONS is meant for Node, and guard is run as root.
      execArgvExtension: 'none',
    }),
  );
  run(nativeNode, ['--experimental-sea-config', configuration]);
}

/** What guard installs inside instances, by its path in the project. */
async function hookParts() {
  const folder = join(root, 'hooks');
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(paths.toSorted().map((path) => [`hooks/${path.slice(folder.length + 1)}`, path]));
}

async function makeExecutable(architecture, blob, file) {
  const draft = join(work, 'guard');
  await copyFile(join(parts, `node_modules/node-linux-${architecture}/bin/node`), draft);
  // Before the blob is put in: strip would take it away again.
  run(strippers[architecture], ['--remove-section=.comment', draft]);
  run(join(parts, 'node_modules/.bin/postject'), [draft, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse]);
  await rm(file, { force: true });
  await copyFile(draft, file);
}

function run(command, words) {
  execFileSync(command, words, { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
}
