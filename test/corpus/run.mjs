// Runs the corpus: for each case the truth without guard (in a copy), then guard, then a table of verdicts.
//   run.mjs [--only TEXT]… [--smoke] [--rehearse] [--sample N] [--jobs N] [--logs DIRECTORY]
// Exit status 0 when no broken change was kept and no healthy one rolled back.
// With --rehearse each case is rehearsed and then run, and the two verdicts have to be the same. --sample N takes N cases,
// evenly from all of them.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { describeComparison, rehearseCase, tableOfComparisons } from './rehearsal.mjs';
import { verdicts } from './table.mjs';
import { tryCase } from './trial.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    smoke: { type: 'boolean' },
    rehearse: { type: 'boolean' },
    sample: { type: 'string' },
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

const tryOne = values.rehearse ? rehearseCase : tryCase;
const describe = values.rehearse
  ? describeComparison
  : ({ one, right, truth, status }) => `${right ? 'right' : 'WRONG'}  ${one.name}: ${truth}, guard ${status}`;
const table = values.rehearse ? tableOfComparisons : verdicts;

/** Every one of them, or so many of them at equal distances. */
const sampleOf = (all, count) =>
  count >= all.length ? all : Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)]);
const wanted = [...cases.entries()].filter(([, one]) => isWanted(one));
const queue = values.sample === undefined ? wanted : sampleOf(wanted, Number(values.sample));
const results = [];
const work = async () => {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [index, one] = next;
    const result = await tryOne(one, { name: `corpus-${index}`, program, state });
    results.push(result);
    console.log(describe(result));
    if (values.logs) await writeFile(join(values.logs, `${one.name.replace(/\W+/g, '-')}.log`), result.said);
    if (!result.right) console.log(result.said.split('\n').slice(-25).join('\n'));
  }
};
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
await rm(state, { recursive: true });

console.log(`\n${table(results)}`);
process.exitCode = results.length > 0 && results.every(({ right }) => right) ? 0 : 1;
