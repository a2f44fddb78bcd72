import { execa } from 'execa';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listRunsNamed } from '../../src/journal/run-index.ts';
import { bringUp, incus, takeDown, type Host } from '../host/host.ts';
import type { Strike, Victim } from './ordeal.ts';
import { choiceOf, commonOptions, showTable, type Choice } from './options.ts';
import { randomOf, type Random } from './random.ts';
import { contentOf, launchSubject } from './subject.ts';
import { runStruck, type GuardEnd } from './victim.ts';

// Kills guard or the daemon at random moments of rehearsals. Afterwards `guard recover` has to leave nothing of the copy, and
// the instance has to be exactly what it was: it was only read.

const changes = ['good', 'fails', 'breaks at once', 'breaks at the next boot'] as const;

/** All that chance decides of one trial. */
export interface RehearsalOrdeal {
  readonly index: number;
  readonly change: (typeof changes)[number];
  readonly strike: Strike;
  /** One for each recovery that is itself interrupted, in order. */
  readonly recoveryStrikes: readonly Strike[];
}

const phases = ['copy', 'copy', 'start', 'baseline', 'command', 'verify', 'restart', 'verify', 'remove-copy'] as const;

export const rehearsalOrdealOf = (seed: number, index: number, mayKillDaemon: boolean): RehearsalOrdeal => {
  const random = randomOf(seed, index);
  const victims: readonly Victim[] = mayKillDaemon ? ['guard', 'guard', 'guard', 'daemon', 'both'] : ['guard'];
  return {
    index,
    change: random.oneOf(changes),
    strike: strikeOf(random, victims, phases, 7000),
    recoveryStrikes: random.chance(0.3) ? [strikeOf(random, victims, ['remove-copy'], 1500)] : [],
  };
};

/** Some phases last milliseconds: half of the strikes aim at one of them, the rest at any time. */
const strikeOf = (random: Random, victims: readonly Victim[], aims: readonly string[], withinMs: number): Strike => {
  const victim = random.oneOf(victims);
  const isAimed = random.chance(0.5);
  return {
    victim,
    phase: isAimed ? random.oneOf(aims) : null,
    afterMs: random.below(isAimed ? 400 : withinMs),
    awayMs: random.below(3000),
  };
};

/** How a trial ended; `faults` are sentences. */
export interface RehearsalTrial {
  readonly ordeal: RehearsalOrdeal;
  /** The strike hit something alive. */
  readonly struck: boolean;
  /** What the record says; null where the rehearsal was not recorded. */
  readonly outcome: string | null;
  readonly recoveries: number;
  readonly faults: readonly string[];
}

interface Arena {
  readonly host: Host;
  readonly instance: string;
  /** A volume that only the instance uses. */
  readonly volume: string;
  readonly program: string;
  readonly stateDirectory: string;
  /** The folder for temporary files of the guards of this arena. */
  readonly temporary: string;
}

const commandOf = (change: RehearsalOrdeal['change']): string => {
  const write = 'echo rehearsed >/root/chaos-one; echo rehearsed >/data/content; sleep 0.5;';
  switch (change) {
    case 'good':
      return write;
    case 'fails':
      return `${write} exit 3`;
    case 'breaks at once':
      return `${write} systemctl stop work.service`;
    case 'breaks at the next boot':
      return `${write} echo bad >/etc/work.conf`;
  }
};

/** A service that reads its configuration only when it starts, for the changes that break it. */
const installService = `echo good >/etc/work.conf; printf '[Service]\\nExecStartPre=/bin/grep -q good /etc/work.conf\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/work.service
systemctl enable --quiet --now work.service`;

const mostRecoveries = 6;
const project = 'guard-rehearsal';

/** Lets one rehearsal be struck, recovers, and looks at what is left. */
export const tryRehearsalOrdeal = async (arena: Arena, ordeal: RehearsalOrdeal): Promise<RehearsalTrial> => {
  const { host, instance, stateDirectory } = arena;
  const before = await describeInstance(arena);
  const known = new Set((await listRunsNamed(stateDirectory, { instance }, 1000)).map(({ run }) => run));
  const words = ['rehearse', '--json', '--soak', '0s', '--verify-timeout', '20s', '--retry', instance];
  const rehearsal = await runStruck(host, arena, [...words, '--', 'sh', '-c', commandOf(ordeal.change)], ordeal.strike);
  const recovered = await recover(arena, ordeal);
  const own = (await listRunsNamed(stateDirectory, { instance }, 1000)).find(({ run }) => !known.has(run));
  const outcome = own === undefined ? null : (own.ended?.outcome.outcome ?? 'no outcome');
  const faults = [
    ...(rehearsal.hung ? ['the rehearsal hung'] : []),
    ...recovered.faults,
    ...(outcome === 'no outcome' ? ['the record has no end'] : []),
    ...differences(before, await describeInstance(arena)),
    ...(await leftOf(arena)),
    ...(await nextFails(arena)),
  ];
  return { ordeal, struck: rehearsal.struck, outcome, recoveries: recovered.attempts, faults };
};

/** `guard recover` until it was not disturbed; the first ones are struck too. */
const recover = async (
  arena: Arena,
  { recoveryStrikes }: RehearsalOrdeal,
): Promise<{ readonly attempts: number; readonly faults: readonly string[] }> => {
  const strikes = [...recoveryStrikes];
  for (let attempts = 1; ; attempts += 1) {
    const end: GuardEnd = await runStruck(arena.host, arena, ['recover', '--json'], strikes.shift() ?? null);
    if (end.hung) return { attempts, faults: ['guard recover hung'] };
    if (end.status === 0 && !end.struck) return { attempts, faults: [] };
    if (attempts >= mostRecoveries)
      return { attempts, faults: [`guard recover ends with ${end.status}: ${end.stderr.slice(-300)}`] };
  }
};

/** Everything of the instance that a run would change: its boot, configuration, devices, snapshots and files. */
const describeInstance = async ({ host, instance, volume }: Arena): Promise<Record<string, string>> => {
  const query = async (path: string): Promise<Record<string, unknown>> =>
    JSON.parse(await incus(host, 'query', path)) as Record<string, unknown>;
  const { status, config, devices, description, profiles } = await query(`/1.0/instances/${instance}`);
  const { pid } = await query(`/1.0/instances/${instance}/state`);
  return {
    status: String(status),
    'process of its init': String(pid),
    configuration: JSON.stringify([config, devices, description, profiles]),
    snapshots: JSON.stringify(await query(`/1.0/instances/${instance}/snapshots`)),
    'snapshots of its volume': await incus(
      host,
      'query',
      `/1.0/storage-pools/default/volumes/custom/${volume}/snapshots`,
    ),
    files: await contentOf(host, instance),
    // Not by a command inside: the `incus` command loses output at times.
    'file in its volume': await incus(host, 'file', 'pull', `${instance}/data/content`, '-'),
  };
};

const differences = (before: Record<string, string>, after: Record<string, string>): readonly string[] =>
  Object.keys(before)
    .filter((key) => before[key] !== after[key])
    .map((key) => `${key} of the instance: ${before[key]} became ${after[key]}`);

/** Copies, their volumes, and files of guard's own. */
const leftOf = async ({ host, temporary }: Arena): Promise<readonly string[]> => {
  const list = async (...words: string[]): Promise<string[]> => {
    const { stdout, exitCode } = await execa('incus', [...words, '--project', project, '--format', 'csv'], {
      env: host.env,
      stdin: 'ignore',
      reject: false,
    });
    return exitCode === 0 ? stdout.split('\n').filter((line) => line !== '') : [];
  };
  const copies = await list('list', '--columns', 'n');
  const volumes = (await list('storage', 'volume', 'list', 'default')).filter((line) => line.startsWith('custom,'));
  const files = await readdir(temporary);
  return [
    ...copies.map((name) => `the copy ${name} is left`),
    ...volumes.map((line) => `a volume is left: ${line}`),
    ...files.map((name) => `the temporary folder ${name} is left`),
  ];
};

/** A rehearsal that is refused shows that something of the last one is in its way. */
const nextFails = async (arena: Arena): Promise<readonly string[]> => {
  const words = ['rehearse', '--json', '--soak', '0s', '--verify-timeout', '20s', arena.instance, '--', 'true'];
  const { status, stderr } = await runStruck(arena.host, arena, words, null);
  return status === 0 ? [] : [`the next rehearsal ends with ${status}: ${stderr.slice(-300)}`];
};

/** Tries the ordeals one after another on one container. */
export const rehearsalChaos = async (
  options: Choice & {
    /** The host whose daemon is killed; it must be nobody else's. */
    readonly hostName: string;
    readonly mayKillDaemon: boolean;
  },
): Promise<RehearsalTrial[]> => {
  const { seed, indexes, hostName, mayKillDaemon, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'guard-chaos-'));
  // A copy: a build meanwhile must not change what is tried.
  await cp('dist', join(folder, 'dist'), { recursive: true });
  const temporary = join(folder, 'temporary');
  await mkdir(temporary);
  const host = await bringUp({ name: hostName });
  const arena: Arena = {
    host: { ...host, env: { ...host.env, TMPDIR: temporary } },
    instance: 'rehearsal-subject',
    volume: 'rehearsal-data',
    program: join(folder, 'dist/guard.cjs'),
    stateDirectory: join(folder, 'state'),
    temporary,
  };
  const trials: RehearsalTrial[] = [];
  await launchSubject(host, arena.instance, 'content-before', 'default');
  await incus(host, 'storage', 'volume', 'create', 'default', arena.volume);
  await incus(host, 'storage', 'volume', 'attach', 'default', arena.volume, arena.instance, 'data', '/data');
  await incus(host, 'exec', arena.instance, '--', 'sh', '-c', `echo before >/data/content; ${installService}`);
  try {
    for (const index of indexes) {
      const trial = await tryRehearsalOrdeal(arena, rehearsalOrdealOf(seed, index, mayKillDaemon));
      trials.push(trial);
      say(describeRehearsalTrial(trial));
    }
  } finally {
    const quietly = { env: host.env, stdin: 'ignore', reject: false } as const;
    await execa('incus', ['delete', '--force', arena.instance], quietly);
    await execa('incus', ['storage', 'volume', 'delete', 'default', arena.volume], quietly);
    // What went wrong is looked at in the records.
    if (trials.some(({ faults }) => faults.length > 0)) say(`records: ${arena.stateDirectory}`);
    else await rm(folder, { recursive: true, force: true });
  }
  return trials;
};

/** One line for one trial. */
export const describeRehearsalTrial = ({ ordeal, struck, outcome, recoveries, faults }: RehearsalTrial): string => {
  const { index, change, strike, recoveryStrikes } = ordeal;
  const strikes = [strike, ...recoveryStrikes].map(
    ({ victim, phase, afterMs }) => `${victim} ${afterMs} ms after ${phase ?? 'start'}`,
  );
  const end = struck ? (outcome ?? 'never recorded') : `${outcome} before the strike`;
  const more = recoveries > 1 ? `, ${recoveries} recoveries` : '';
  return `${String(index).padStart(4)}  ${end.padEnd(24)} ${change}; ${strikes.join('; recover: ')}${more}${faults.map((fault) => `  FAULT: ${fault}`).join('')}`;
};

/** The table at the end, in markdown. */
export const rehearsalTable = (trials: readonly RehearsalTrial[]): string[] => {
  const groups = [...new Set(trials.map(({ ordeal }) => ordeal.strike.phase ?? 'any time'))].toSorted();
  const row = (name: string, own: readonly RehearsalTrial[]): string => {
    const count = (is: (trial: RehearsalTrial) => boolean): number => own.filter(is).length;
    return `| ${name} | ${own.length} | ${count(({ struck }) => struck)} | ${count(({ outcome }) => outcome === null)} | ${count(({ recoveries }) => recoveries > 1)} | ${count(({ faults }) => faults.length > 0)} |`;
  };
  return [
    '| killed | trials | hit something alive | before there was a record | recovery killed, too | something left or changed |',
    '| --- | --- | --- | --- | --- | --- |',
    ...groups.map((group) =>
      row(
        group === 'any time' ? group : `in ${group}`,
        trials.filter(({ ordeal }) => (ordeal.strike.phase ?? 'any time') === group),
      ),
    ),
    row('all', trials),
  ];
};

/** `npm run test:rehearse`. Returns the exit status: 0 when nothing was left or changed. */
export const rehearsalMain = async (words: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...commonOptions,
      'guard-only': { type: 'boolean', default: false },
      table: { type: 'string' },
    },
  });
  const choice = choiceOf(values);
  const hostName = `cr-${Date.now().toString(36)}`;
  const trials = await rehearsalChaos({
    ...choice,
    hostName,
    mayKillDaemon: !values['guard-only'],
  });
  await showTable(rehearsalTable(trials), values.table, choice);
  await takeDown(await bringUp({ name: hostName }));
  return trials.some(({ faults }) => faults.length > 0) ? 1 : 0;
};
