// Cases as files of shell, for changes that were learnt from public bug reports: a folder with `guest.sh`, which is put in front of everything that
// runs inside, and one file a case.
//   case-files.mjs FOLDER [--only TEXT]… [--jobs N] [--logs DIRECTORY] [--no-truth]
// A file sets `title`, `truth` (healthy, broken), `upgrade` (the command) and, where the truth takes its time, `settle` (seconds), and defines `prepare` and `probe` (a client's view; $ip is the instance's
// address). `# from:` names the reports. The container is Debian bookworm with trixie as a second package source of low priority; `apt_t` installs from it.
// Exit status 0 when no broken change was kept and no healthy one rolled back.
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hasBooted, incus, pause, run, within } from './host.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true },
    jobs: { type: 'string', default: '2' },
    logs: { type: 'string' },
    'no-truth': { type: 'boolean' },
  },
});
const folder = resolve(positionals[0] ?? join(import.meta.dirname, 'reports'));
const guest = await readFile(join(folder, 'guest.sh'), 'utf8').catch(() =>
  readFile(join(import.meta.dirname, 'reports/guest.sh'), 'utf8'),
);
const aptNext = 'apt-get install -y -q -t trixie -o Dpkg::Options::=--force-confold --no-install-recommends';

/** Lets what `prepare` left behind live in the instance: an exec must not end with it. */
const inside = (name, script, limitSeconds = 600) =>
  run('incus', ['exec', name, '--', 'timeout', String(limitSeconds), 'bash', '-c', script], {
    limitSeconds: limitSeconds + 20,
  });

const sources = `for f in /etc/apt/sources.list.d/*.sources; do sed 's/bookworm/trixie/g' $f >/etc/apt/sources.list.d/trixie.sources; break; done
printf 'Package: *\\nPin: release n=trixie*\\nPin-Priority: 50\\n' >/etc/apt/preferences.d/trixie
apt-get update -qq; apt-get install -y -qq --no-install-recommends curl procps >/dev/null`;

const withGuest = (text, action) => `${guest}\napt_t='${aptNext}'\n${text}\n${action}`;

/** In a base container that all are copied from: the second package source is there. */
const base = `reports-base-${process.pid}`;

const answersWell = (name, text) =>
  within(20, async () => {
    for (let again = 0; again < 3; again += 1) {
      if ((await inside(name, withGuest(text, 'probe'), 20)).status !== 0) return false;
      await pause(1);
    }
    return true;
  });

const tryFile = async (file, { name, program, state }) => {
  const text = await readFile(join(folder, file), 'utf8');
  const copy = `${name}-truth`;
  const startedAt = performance.now();
  const remove = () => Promise.all([name, copy].map((each) => run('incus', ['delete', '--force', each])));
  await remove();
  try {
    await incus('copy', base, name);
    await incus('start', name);
    await hasBooted(name);
    const prepared = await inside(name, withGuest(text, 'prepare'));
    const command = (await inside(name, withGuest(text, 'printf %s "$upgrade"'))).stdout;
    const said = (await inside(name, withGuest(text, 'printf %s "$truth"'))).stdout;
    if (!(await answersWell(name, text))) throw new Error(`does not answer before: ${prepared.stderr.slice(-600)}`);
    const words = ['sh', '-c', `export DEBIAN_FRONTEND=noninteractive\n${command}`];
    let truth = said;
    if (!values['no-truth']) {
      await incus('copy', name, copy);
      await incus('start', copy);
      await hasBooted(copy);
      await pause(5);
      const { status } = await run('incus', ['exec', copy, '--', ...words]);
      await pause(Number(/^settle=(\d+)$/m.exec(text)?.[1] ?? 15));
      truth = status !== 0 ? 'failed' : (await answersWell(copy, text)) ? 'healthy' : 'broken';
      await run('incus', ['delete', '--force', copy]);
    }
    const { status, stderr } = await run(process.execPath, [program, '--json', '--retry', name, '--', ...words], {
      limitSeconds: 1500,
      env: { GUARD_STATE_DIR: state },
    }).then(async (ended) => ({ ...ended, stderr: `${ended.stdout}\n${ended.stderr}` }));
    const right = (truth === 'healthy' ? [0] : truth === 'failed' ? [10] : [11, 12]).includes(status);
    const answers = await answersWell(name, text);
    return {
      file,
      said,
      truth,
      status,
      right: right && answers,
      verdictMs: verdictMs(stderr),
      log: stderr,
      seconds: took(startedAt),
    };
  } catch (error) {
    return {
      file,
      said: '',
      truth: 'unknown',
      status: '-',
      right: false,
      verdictMs: null,
      log: String(error),
      seconds: took(startedAt),
    };
  } finally {
    await remove();
  }
};

const took = (startedAt) => Math.round((performance.now() - startedAt) / 1000);

/** From the end of the command to the verdict, in milliseconds, by the events that guard writes. */
const verdictMs = (log) => {
  const events = log.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
  const ended = events.find(({ type }) => type === 'command-ended');
  const verdict = events.find(({ type }) => type === 'verdict');
  return ended && verdict ? verdict.at - ended.at : null;
};

const state = await mkdtemp(join(tmpdir(), 'guard-reports-'));
await cp(resolve(import.meta.dirname, '../../dist'), join(state, 'dist'), { recursive: true });
const program = join(state, 'dist/guard.cjs');
if (values.logs) await mkdir(values.logs, { recursive: true });

await run('incus', ['delete', '--force', base]);
await incus('launch', 'guard-debian', base);
await hasBooted(base);
await inside(base, sources);
await incus('stop', '--force', base);

const queue = (await readdir(folder))
  .filter((file) => file.endsWith('.sh') && file !== 'guest.sh')
  .filter((file) => values.only?.some((text) => file.includes(text)) ?? true);
const results = [];
const work = async (job) => {
  for (let file = queue.shift(); file; file = queue.shift()) {
    const result = await tryFile(file, { name: `reports-${process.pid}-${job}`, program, state });
    results.push(result);
    console.log(
      `${result.right ? 'right' : 'WRONG'}  ${file}: ${result.truth}${result.said === result.truth ? '' : ` (its author says ${result.said})`}, guard ${result.status}, verdict after ${result.verdictMs === null ? '-' : (result.verdictMs / 1000).toFixed(1)} s, ${result.seconds} s in all`,
    );
    if (values.logs) await writeFile(join(values.logs, `${file}.log`), result.log);
  }
};
await Promise.all(Array.from({ length: Number(values.jobs) }, (_, job) => work(job)));
await run('incus', ['delete', '--force', base]);
await rm(state, { recursive: true });

const kept = results.filter(({ truth, status }) => truth === 'broken' && status === 0).length;
const lost = results.filter(({ truth, status }) => truth === 'healthy' && status !== 0).length;
console.log(
  `\n${results.filter(({ right }) => right).length} of ${results.length} right (broken kept: ${kept}, healthy rolled back: ${lost})`,
);
process.exitCode = results.length > 0 && results.every(({ right }) => right) ? 0 : 1;
