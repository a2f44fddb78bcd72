import { openSync } from 'node:fs';
import { join } from 'node:path';
import { requireCached } from './code-cache.ts';
import { leaveSmallHeapAlone } from './heap.ts';

declare const GUARD_VERSION: string;
/** The bundle of `main.ts` beside this file: `./program-….cjs`. */
declare const GUARD_PROGRAM: string;
/** The bundle of the libraries that it rarely needs: `./libraries-….cjs`. */
declare const GUARD_LIBRARIES: string;

// The quickest answer there is: the program itself is not read for it.
const [word, ...more] = process.argv.slice(2);
if (more.length === 0 && (word === '--version' || word === '-V')) process.stdout.write(`${GUARD_VERSION}\n`);
else {
  leaveSmallHeapAlone();
  requireCached(GUARD_PROGRAM, {
    folder: __dirname,
    held: { [GUARD_LIBRARIES]: openSync(join(__dirname, GUARD_LIBRARIES), 'r') },
    require,
    // A plan does less than the runs after it.
    remember: process.argv.includes('--') && word !== 'plan',
  });
}
