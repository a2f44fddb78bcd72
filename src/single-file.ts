import { evaluateProgram } from './evaluate-program.ts';
import { leaveSmallHeapAlone } from './heap.ts';
import { versionLine } from './version.ts';

declare const GUARD_VERSION: string;
declare const GUARD_COMMIT: string;

// The entry of the single executable, which contains Node, the program and V8's compiled code of it. What launcher.ts is to
// the npm package.
const [word, ...more] = process.argv.slice(2);
if (more.length === 0 && (word === '--version' || word === '-V'))
  process.stdout.write(`${versionLine({ version: GUARD_VERSION, commit: GUARD_COMMIT }, process.versions.node)}\n`);
else {
  leaveSmallHeapAlone();
  evaluateProgram(readAsset('program.cjs'), compiledCode());
}

/** An executable for another architecture than that of its build has none. */
function compiledCode(): Buffer | null {
  try {
    return readAsset('program.code');
  } catch {
    return null;
  }
}

/** Without a copy: the bytes are in the executable's own memory, and must not be written to. */
function readAsset(name: string): Buffer {
  return Buffer.from(process.getBuiltinModule('node:sea').getRawAsset(name) as ArrayBuffer);
}
