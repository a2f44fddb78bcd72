// npm run release: every artefact of a release into release/, with checksums and a bill of materials. Two runs on the same
// commit write the same bytes. Called by root on Debian, it installs the tools that are missing. It publishes nothing.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildInfo, root } from './bundle.mjs';
import { billOfMaterials } from './sbom.mjs';
import { strippers } from './strippers.mjs';

const out = join(root, 'release');
const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? output('git', ['log', '-1', '--format=%ct']));
process.env.SOURCE_DATE_EPOCH = String(seconds);

const problem = prepare();
if (problem === null) await release();
else {
  console.error(`release: ${problem}`);
  process.exitCode = 1;
}

async function release() {
  await rm(out, { recursive: true, force: true });
  await mkdir(out);
  say(`guard ${buildInfo.version}, commit ${buildInfo.commit}`);
  run('node', ['build.mjs']);
  await setModes();
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', out]);
  say('npm package: done. Single executables:');
  run('node', ['packaging/single-file.mjs', out, 'x64', 'arm64']);
  say('single executables: done. Debian packages (a minute):');
  run('packaging/debian/build.sh', ['guard', 'dist', out]);
  run('packaging/debian/build.sh', ['guard-static', join(out, 'guard-linux-x64'), out]);
  await copyFile(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), join(out, 'THIRD-PARTY-LICENSES.txt'));
  await writeFile(join(out, 'guard.cdx.json'), await billOfMaterials(seconds));
  await writeChecksums();
}

/** Why a release cannot be built here; null where it can. */
function prepare() {
  if (buildInfo.commit.endsWith('+') && !process.argv.includes('--allow-changes'))
    return 'there are changes that are not committed (--allow-changes builds all the same)';
  const missing = missingPackages();
  if (missing.length > 0 && process.getuid() === 0 && isThere('apt-get')) {
    say(`Installing what the release needs: ${missing.join(' ')}`);
    run('apt-get', ['update', '--quiet']);
    run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing]);
  }
  const still = missingPackages();
  return still.length === 0 ? null : `commands are missing: apt install ${still.join(' ')}`;
}

/** Debian packages of commands that a release needs. */
function missingPackages() {
  return [
    ['dpkg-deb', 'dpkg'],
    ['xz', 'xz-utils'],
    [strippers.x64, 'binutils-x86-64-linux-gnu'],
    [strippers.arm64, 'binutils-aarch64-linux-gnu'],
  ]
    .filter(([command]) => !isThere(command))
    .map(([, name]) => name);
}

function isThere(command) {
  try {
    output(command, ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** npm packs files with the modes that they have here, which depend on the umask of the checkout. */
async function setModes() {
  const listed = JSON.parse(output('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--silent']));
  // npm 11 gives a list, later ones a record by name.
  const [{ files }] = Object.values(listed);
  await Promise.all(files.map(({ path, mode }) => chmod(join(root, path), (mode & 0o100) === 0 ? 0o644 : 0o755)));
}

async function writeChecksums() {
  const names = (await readdir(out)).toSorted();
  const lines = await Promise.all(
    names.map(async (name) => {
      const sum = createHash('sha256')
        .update(await readFile(join(out, name)))
        .digest('hex');
      return `${sum}  ${name}`;
    }),
  );
  await writeFile(join(out, 'SHA256SUMS'), `${lines.join('\n')}\n`);
  say(lines.join('\n'));
  say(`Next: node packaging/tag.mjs v${buildInfo.version} makes the tag with the program of the action.`);
}

function run(command, words) {
  execFileSync(command, words, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

function output(command, words) {
  return execFileSync(command, words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

function say(text) {
  console.log(text);
}
