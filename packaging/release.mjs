// npm run release: every artefact of a release into release/, with checksums and a bill of materials. Two runs on the same
// commit write the same bytes. Called by root on Debian, it installs the tools that are
// missing. It publishes nothing.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildInfo, root } from './bundle.mjs';
import { billOfMaterials } from './sbom.mjs';
import { strippers } from './strippers.mjs';

const out = join(root, 'release');
const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? output('git', ['log', '-1', '--format=%ct']));
process.env.SOURCE_DATE_EPOCH = String(seconds);

refuseUnready();
await rm(out, { recursive: true, force: true });
await mkdir(out);
say(`guard ${buildInfo.version}, commit ${buildInfo.commit}`);
run('node', ['build.mjs']);
run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', out]);
say('npm package: done. Single executables:');
run('node', ['packaging/single-file.mjs', out, 'x64', 'arm64']);
say('single executables: done. Debian packages (a minute):');
run('packaging/debian/build.sh', ['guard', 'dist', out]);
run('packaging/debian/build.sh', ['guard-static', join(out, 'guard-linux-x64'), out]);
await copyFile(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), join(out, 'THIRD-PARTY-LICENSES.txt'));
await writeFile(join(out, 'guard.cdx.json'), await billOfMaterials(seconds));
await writeChecksums();

/** What would make a release that nobody can build again. */
function refuseUnready() {
  if (buildInfo.commit.endsWith('+') && !process.argv.includes('--allow-changes'))
    fail('there are changes that are not committed (--allow-changes builds all the same)');
  const missing = missingPackages();
  if (missing.length > 0 && process.getuid() === 0 && isThere('apt-get')) {
    say(`Installing what the release needs: ${missing.join(' ')}`);
    run('apt-get', ['update', '--quiet']);
    run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing]);
  }
  const still = missingPackages();
  if (still.length > 0) fail(`commands are missing: apt install ${still.join(' ')}`);
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

function fail(why) {
  console.error(`release: ${why}`);
  process.exit(1);
}
