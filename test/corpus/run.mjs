// Runs the corpus: for each case the truth without guard (in a copy), then guard, then a table of verdicts.
//   run.mjs [--only TEXT]… [--smoke] [--jobs N] [--logs DIRECTORY]
// Exit status 0 when no broken change was kept and no healthy one rolled back.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { verdicts } from './table.mjs';
import { tryCase } from './trial.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    smoke: { type: 'boolean' },
    jobs: { type: 'string', default: '2' },
    logs: { type: 'string' },
  },
});
const smoke = ['memcached', 'memcached, stopped and masked by the change'];
const isWanted = ({ name }) =>
  values.smoke ? smoke.includes(name) : (values.only?.some((text) => name.includes(text)) ?? true);

const state = await mkdtemp(join(tmpdir(), 'guard-corpus-'));
// A copy, so that a build meanwhile does not change what is judged.
await cp(resolve(import.meta.dirname, '../../dist'), join(state, 'dist'), { recursive: true });
const program = join(state, 'dist/guard.cjs');
if (values.logs) await mkdir(values.logs, { recursive: true });

const queue = [...cases.entries()].filter(([, one]) => isWanted(one));
const results = [];
const work = async () => {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [index, one] = next;
    const result = await tryCase(one, { name: `corpus-${index}`, program, state });
    results.push(result);
    console.log(`${result.right ? 'right' : 'WRONG'}  ${one.name}: ${result.truth}, guard ${result.status}`);
    if (values.logs) await writeFile(join(values.logs, `${one.name.replace(/\W+/g, '-')}.log`), result.said);
    if (!result.right) console.log(result.said.split('\n').slice(-25).join('\n'));
  }
};
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
await rm(state, { recursive: true });

console.log(`\n${verdicts(results)}`);
process.exitCode = results.length > 0 && results.every(({ right }) => right) ? 0 : 1;
