// Runs the corpus: for each case the truth without guard (in a copy), then guard, then a table of verdicts.
//   run.mjs [--only TEXT] [--jobs N]
// Exit status 0 when no broken change was kept and no healthy one rolled back.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { cases } from './cases.mjs';

const { values } = parseArgs({ options: { only: { type: 'string' }, jobs: { type: 'string', default: '2' } } });
const program = resolve(import.meta.dirname, '../../dist/guard.cjs');
const state = await mkdtemp(join(tmpdir(), 'guard-corpus-'));
const minutes = 60_000;

const run = async (file, args, limitMs = 10 * minutes) => {
  const child = promisify(execFile)(file, args, {
    timeout: limitMs,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, GUARD_STATE_DIR: state },
  });
  child.child.stdin.end();
  try {
    const { stdout, stderr } = await child;
    return { status: 0, stdout, stderr };
  } catch (error) {
    return { status: error.code ?? -1, stdout: error.stdout ?? '', stderr: error.stderr ?? String(error) };
  }
};

const incus = async (...args) => {
  const ended = await run('incus', args);
  if (ended.status !== 0) throw new Error(`incus ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
};

const environment = ['--env', 'DEBIAN_FRONTEND=noninteractive', '--env', 'NEEDRESTART_MODE=a'];
const inside = (name, script) => run('incus', ['exec', ...environment, name, '--', 'sh', '-c', script], 20 * minutes);

const poll = async (limitMs, ask) => {
  const until = performance.now() + limitMs;
  for (;;) {
    if (await ask()) return true;
    if (performance.now() > until) return false;
    await new Promise((done) => setTimeout(done, 500));
  }
};

const running = (name) =>
  poll(60_000, async () => /^(running|degraded)/.test((await inside(name, 'systemctl is-system-running')).stdout));

const probe = async (name, one) => {
  if (!one.outside) return (await inside(name, one.probe)).status === 0;
  const address = (await incus('list', `^${name}$`, '-c', '4', '-f', 'csv')).split(' ')[0];
  return (await run('sh', ['-c', one.probe.replace('127.0.0.1', address)], 20_000)).status === 0;
};

const settle = (one) => new Promise((done) => setTimeout(done, (one.settleSeconds ?? 0) * 1000));

/**
 * What the change does where nobody guards: `failed` when its command says so itself, `healthy` when the service answers
 * within half a minute and still does, else `broken`.
 */
const truthOf = async (name, one) => {
  const { status } = await inside(name, one.change);
  if (status !== 0) return 'failed';
  if (one.restart) {
    await incus('restart', '--force', name);
    await running(name);
  }
  await settle(one);
  return (await poll(30_000, () => probe(name, one))) ? 'healthy' : 'broken';
};

/** What guard must exit with: a command that failed is 10, whatever its service does. */
const rightStatuses = { healthy: [0], failed: [10], broken: [11, 12] };

const judge = async (one, index) => {
  const name = `corpus-${index}`;
  const copy = `${name}-truth`;
  const remove = () => Promise.all([name, copy].map((each) => run('incus', ['delete', '--force', each])));
  await remove();
  try {
    await incus('launch', 'guard-debian', name);
    await running(name);
    const prepared = await inside(
      name,
      `apt-get update -qq; apt-get install -y -qq --no-install-recommends ${one.install} && { ${one.configure ?? ':'}; }`,
    );
    if (prepared.status !== 0) throw new Error(`could not be prepared: ${prepared.stderr.slice(-400)}`);
    if (!(await poll(30_000, () => probe(name, one)))) throw new Error('does not answer before the change');
    await incus('copy', name, copy);
    await incus('start', copy);
    await running(copy);
    const truth = await truthOf(copy, one);
    const guarded = await run(
      process.execPath,
      [program, ...(one.guard ?? []), name, '--', 'sh', '-c', one.change],
      25 * minutes,
    );
    const answersAfter = await poll(30_000, () => probe(name, one));
    const right = rightStatuses[truth].includes(guarded.status) && answersAfter;
    return { ...one, truth, status: guarded.status, answersAfter, right, said: guarded.stderr };
  } catch (error) {
    return { ...one, truth: 'unknown', status: '-', answersAfter: false, right: false, said: String(error) };
  } finally {
    await remove();
  }
};

const wanted = cases
  .map((one, index) => ({ one, index }))
  .filter(({ one }) => !values.only || one.name.includes(values.only));
const results = [];
const queue = [...wanted];
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const result = await judge(next.one, next.index);
      results.push(result);
      console.log(`${result.right ? 'right' : 'WRONG'}  ${result.name}: ${result.truth}, guard ${result.status}`);
      if (!result.right || result.truth !== result.expected) console.log(result.said.split('\n').slice(-25).join('\n'));
    }
  }),
);
await rm(state, { recursive: true });

const width = Math.max(...results.map(({ name }) => name.length));
console.log(`\n${'CASE'.padEnd(width)}  TRUTH    EXPECTED  GUARD  ANSWERS AFTER`);
for (const { name, truth, expected, status, answersAfter, right } of results)
  console.log(
    `${name.padEnd(width)}  ${truth.padEnd(7)}  ${expected.padEnd(8)}  ${String(status).padEnd(5)}  ${answersAfter ? 'yes' : 'no'}${right ? '' : '   WRONG'}`,
  );
const wrong = results.filter(({ right }) => !right);
const kept = wrong.filter(({ truth, status }) => truth !== 'healthy' && status === 0).length;
const rolledBack = wrong.filter(({ truth, status }) => truth === 'healthy' && status !== 0).length;
console.log(
  `\n${results.length - wrong.length} right, ${wrong.length} wrong (broken kept: ${kept}, healthy rolled back: ${rolledBack})`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
