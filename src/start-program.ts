import { openSync } from 'node:fs';
import { join } from 'node:path';
import { requireCached } from './code-cache.ts';
import { leaveSmallHeapAlone } from './heap.ts';

/** The bundle of `main.ts` beside this file: `./program-….cjs`. */
declare const GUARD_PROGRAM: string;
/** The bundle of the libraries that it rarely needs: `./libraries-….cjs`. */
declare const GUARD_LIBRARIES: string;

leaveSmallHeapAlone();
requireCached(GUARD_PROGRAM, {
  folder: __dirname,
  held: { [GUARD_LIBRARIES]: openSync(join(__dirname, GUARD_LIBRARIES), 'r') },
  require,
  // A plan does less than the runs after it.
  remember: process.argv.includes('--') && process.argv[2] !== 'plan',
});
