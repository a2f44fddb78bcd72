import { versionLine } from './version.ts';
import { leaveSmallHeapAlone } from './heap.ts';

declare const GUARD_VERSION: string;
declare const GUARD_COMMIT: string;

// The entry of the single executable, which has its Node and V8's compiled code with it. What launcher.ts is to the npm package.
const [word, ...more] = process.argv.slice(2);
if (more.length === 0 && (word === '--version' || word === '-V'))
  process.stdout.write(`${versionLine({ version: GUARD_VERSION, commit: GUARD_COMMIT }, process.versions.node)}\n`);
else {
  leaveSmallHeapAlone();
  void import('./main.ts');
}
