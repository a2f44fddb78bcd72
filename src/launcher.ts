import { nodeProblem } from './node-version.ts';
import { versionLine } from './version.ts';

declare const GUARD_VERSION: string;
declare const GUARD_COMMIT: string;

// An old Node has to parse and run this file as far as its one sentence: it is built for such a Node, and everything that
// needs a newer one is behind the import().
const problem = nodeProblem(process.versions.node);
const [word, ...more] = process.argv.slice(2);
if (problem !== null) {
  process.stderr.write(`guard: ${problem}\n`);
  process.exitCode = 70;
} else if (more.length === 0 && (word === '--version' || word === '-V')) {
  // The program itself is not read for it.
  process.stdout.write(`${versionLine({ version: GUARD_VERSION, commit: GUARD_COMMIT }, process.versions.node)}\n`);
} else void import('./start-program.ts');
