import { join } from 'node:path';
import { runCached } from './code-cache.ts';

declare const GUARD_VERSION: string;
/** The file name of the bundle of `main.ts`, which tells its content. */
declare const GUARD_PROGRAM: string;

// The quickest answer there is: the program itself is not read for it.
const [word, ...more] = process.argv.slice(2);
if (more.length === 0 && (word === '--version' || word === '-V')) process.stdout.write(`${GUARD_VERSION}\n`);
else runCached(join(__dirname, GUARD_PROGRAM), process.argv.includes('--'));
