import { requireCached } from './code-cache.ts';

declare const GUARD_VERSION: string;
/** The bundle of `main.ts` beside this file: `./program-….cjs`. */
declare const GUARD_PROGRAM: string;

// The quickest answer there is: the program itself is not read for it.
const [word, ...more] = process.argv.slice(2);
if (more.length === 0 && (word === '--version' || word === '-V')) process.stdout.write(`${GUARD_VERSION}\n`);
else requireCached(GUARD_PROGRAM, { folder: __dirname, require, remember: process.argv.includes('--') });
