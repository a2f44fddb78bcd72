// The tag of a release: one commit beside main, in which action/dist has the built program, so that the action works from
// the tag as it is. main itself has no built files.
//   node packaging/tag.mjs TAG           makes it from HEAD and dist/
//   node packaging/tag.mjs --check TAG   says whether its program is what its sources build
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './bundle.mjs';

const words = process.argv.slice(2);
if (words[0] === '--check') await checkTag(words[1]);
else await makeTag(words[0]);

/** Files of dist/ that the action needs: all but what only the report of an internal error reads. */
async function programFiles(folder) {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.cjs') || name === 'THIRD-PARTY-LICENSES.txt').toSorted();
}

async function makeTag(tag) {
  const folder = await mkdtemp(join(tmpdir(), 'guard-tag-'));
  // An index of its own: the one of the work tree stays as it is.
  const index = { GIT_INDEX_FILE: join(folder, 'index') };
  try {
    git(['read-tree', 'HEAD'], index);
    for (const name of await programFiles(join(root, 'dist'))) {
      const blob = git(['hash-object', '-w', join(root, 'dist', name)]);
      git(['update-index', '--add', '--cacheinfo', `100644,${blob},action/dist/${name}`], index);
    }
    const tree = git(['write-tree'], index);
    // The same commit whenever it is made.
    const date = git(['log', '-1', '--format=%cI']);
    const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    const commit = git(
      ['commit-tree', tree, '-p', 'HEAD', '-m', `guard ${tag}, with the program of the action`],
      dates,
    );
    git(['tag', tag, commit]);
    console.log(`${tag} is ${commit}. Publish it with: git push origin ${tag}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function checkTag(tag) {
  const folder = await mkdtemp(join(tmpdir(), 'guard-tag-'));
  try {
    execFileSync('git', ['clone', '--quiet', '--branch', tag, `file://${root}`, folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const commit = git(['rev-parse', '--short=12', `${tag}^`]);
    execFileSync('node', ['build.mjs'], { cwd: folder, env: { ...process.env, GUARD_COMMIT: commit } });
    const [there, built] = await Promise.all(['action/dist', 'dist'].map((name) => programFiles(join(folder, name))));
    const different = [];
    for (const name of new Set([...there, ...built])) if (!(await isSame(folder, name))) different.push(name);
    if (different.length === 0) return console.log(`The program of ${tag} is what its sources build.`);
    console.error(`The program of ${tag} is not what its sources build: ${different.join(', ')}.`);
    process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function isSame(folder, name) {
  const read = (path) => readFile(join(folder, path, name)).catch(() => Buffer.alloc(0));
  return (await read('action/dist')).equals(await read('dist'));
}

function git(words, environment = {}) {
  return execFileSync('git', words, { cwd: root, encoding: 'utf8', env: { ...process.env, ...environment } }).trim();
}
