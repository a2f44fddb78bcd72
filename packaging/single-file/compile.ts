import { readFileSync, writeFileSync } from 'node:fs';
import { evaluateProgram } from '../../src/evaluate-program.ts';
import { leaveSmallHeapAlone } from '../../src/heap.ts';

// compile PROGRAM OUTPUT: starts the program as the single executable does, up to the first request to the server, and writes
// V8's compiled code of all functions that this needed. V8 would otherwise compile each of them again in every start.
const [program = '', output = ''] = process.argv.splice(2, 2, 'none', '--', 'true');
leaveSmallHeapAlone();
const script = evaluateProgram(readFileSync(program), null);
process.once('exit', () => writeFileSync(output, script.createCachedData()));
