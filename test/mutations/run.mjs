// Harms services in every way that applies and prints what guard found, without any configuration, by harm and by service.
//   run.mjs [--service NAME]… [--mutation TEXT]… [--smoke] [--jobs N] [--logs DIRECTORY]
// Exit status 0 when every harm was found and nothing harmless was rolled back.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hasBooted, incus, inside, run } from '../corpus/host.mjs';
import { mutations } from './mutations.mjs';
import { services } from './services.mjs';

const { values } = parseArgs({
  options: {
    service: { type: 'string', multiple: true },
    mutation: { type: 'string', multiple: true },
    smoke: { type: 'boolean' },
    jobs: { type: 'string', default: '2' },
    logs: { type: 'string' },
  },
});
const smoke = ['application stop', 'application wrong owner', 'application restart'];

const state = await mkdtemp(join(tmpdir(), 'guard-mutations-'));
await cp(resolve(import.meta.dirname, '../../dist'), join(state, 'dist'), { recursive: true });
const program = join(state, 'dist/guard.cjs');
if (values.logs) await mkdir(values.logs, { recursive: true });

const wanted = services.flatMap((service) =>
  mutations
    .map((mutation) => ({ service, mutation, script: mutation.of(service) || null }))
    .filter(({ script }) => script !== null)
    .filter(({ mutation }) =>
      values.smoke
        ? smoke.includes(`${service.name} ${mutation.name}`)
        : (values.mutation?.some((text) => mutation.name.includes(text)) ?? true),
    )
    .filter(() => values.smoke || (values.service?.includes(service.name) ?? true)),
);

const prefix = `mutant-${process.pid}`;
const bases = new Map();
/** One container a service is made, and each mutation gets a copy. */
const baseOf = (service) => {
  const known = bases.get(service.name);
  if (known) return known;
  const made = makeBase(service);
  bases.set(service.name, made);
  return made;
};
const makeBase = async (service) => {
  const name = `${prefix}-${service.name}`;
  await incus('launch', 'guard-debian', name);
  await hasBooted(name);
  const { status, stderr } = await inside(
    name,
    `apt-get update -qq; apt-get install -y -qq --no-install-recommends nftables procps ${service.install} && { mkdir -p /etc/sysctl.d; echo net.ipv4.ip_forward=1 >/etc/sysctl.d/90-guard-test.conf; sysctl -qw net.ipv4.ip_forward=1; ${service.setup}; }`,
  );
  if (status !== 0) throw new Error(`${service.name} could not be prepared: ${stderr.slice(-500)}`);
  await incus('stop', name);
  return name;
};

const mutate = async ({ service, mutation, script }, job) => {
  const name = `${prefix}-${job}`;
  try {
    await run('incus', ['delete', '--force', name]);
    await incus('copy', await baseOf(service), name);
    await incus('start', name);
    await hasBooted(name);
    // What starts at boot listens a moment later.
    await inside(name, 'sleep 3');
    const began = performance.now();
    const words = [program, '--retry', name, '--', 'sh', '-c', script];
    const ended = await run(process.execPath, words, { limitSeconds: 900, env: { GUARD_STATE_DIR: state } });
    const seconds = Math.round((performance.now() - began) / 1000);
    const right = mutation.kind === 'harm' ? [11, 12].includes(ended.status) : ended.status === 0;
    return { service, mutation, status: ended.status, right, seconds, log: ended.stderr };
  } catch (error) {
    return { service, mutation, status: '-', right: false, seconds: 0, log: String(error) };
  } finally {
    await run('incus', ['delete', '--force', name]);
  }
};

const queue = [...wanted];
const results = [];
const work = async (job) => {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const result = await mutate(next, job);
    results.push(result);
    const label = `${result.service.name}: ${result.mutation.name}`;
    console.log(
      `${result.right ? 'right' : 'WRONG'}  ${label} (${result.mutation.kind}), guard ${result.status}, ${result.seconds} s`,
    );
    if (!result.right) console.log(result.log.split('\n').slice(-12).join('\n'));
    if (values.logs) await writeFile(join(values.logs, `${label.replace(/\W+/g, '-')}.log`), result.log);
  }
};
await Promise.all(Array.from({ length: Number(values.jobs) }, (_, job) => work(job)));
for (const made of bases.values()) await run('incus', ['delete', '--force', await made.catch(() => '')]);
await rm(state, { recursive: true });

const grouped = (items, keyOf) => {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
};

const table = (kind, keyOf, title) => {
  const rows = grouped(
    results.filter(({ mutation }) => mutation.kind === kind),
    keyOf,
  );
  console.log(`\n${title}`);
  for (const [key, all] of rows) {
    const right = all.filter((one) => one.right).length;
    const missed = all.filter((one) => !one.right).map(({ service, mutation }) => `${service.name}: ${mutation.name}`);
    console.log(
      `${key.padEnd(28)} ${String(right).padStart(3)} of ${String(all.length).padStart(3)}  ${missed.join(', ')}`,
    );
  }
};
table('harm', ({ mutation }) => mutation.name, 'FOUND, BY HARM');
table('harm', ({ service }) => service.name, 'FOUND, BY SERVICE');
table('harmless', ({ mutation }) => mutation.name, 'KEPT, BY HARMLESS CHANGE');
const harms = results.filter(({ mutation }) => mutation.kind === 'harm');
const alarms = results.filter(({ mutation, right }) => mutation.kind === 'harmless' && !right);
console.log(
  `\n${harms.filter(({ right }) => right).length} of ${harms.length} harms found, ${alarms.length} false alarms of ${results.length - harms.length}`,
);
process.exitCode = results.length > 0 && results.every(({ right }) => right) ? 0 : 1;
