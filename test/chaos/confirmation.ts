import { execa } from 'execa';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/clock.ts';
import { listRunsNamed } from '../../src/journal/run-index.ts';
import { readRun, type RunRecord } from '../../src/journal/runs.ts';
import { bringUp, incus, killDaemon, startDaemon, takeDown, waitFor, type Host } from '../host/host.ts';
import { choiceOf, commonOptions, showTable, type Choice } from './options.ts';
import { randomOf } from './random.ts';
import { commandOf, contentOf, launchSubject } from './subject.ts';

// Kills of everything that has to do with a change that waits for its confirmation: the guard that made it, the agent that
// keeps its deadline, `guard confirm` and `guard rollback`, and the daemon.

const actions = ['nothing', 'confirm', 'refuse', 'extend', 'extend, then confirm'] as const;
const victims = ['guard', 'agent', 'guard and agent', 'confirmation', 'daemon'] as const;

/** All that chance decides of one trial. Times are milliseconds after the change began to wait. */
export interface ConfirmationOrdeal {
  readonly index: number;
  readonly detached: boolean;
  readonly action: (typeof actions)[number];
  readonly actAtMs: number;
  readonly victim: (typeof victims)[number];
  /** For the victim `confirmation`: after its start. */
  readonly killAtMs: number;
  /** How long the agent, or the daemon, stays away. */
  readonly awayMs: number;
}

const deadlineMs = 5000;
const extensionMs = 6000;

export const confirmationOrdealOf = (seed: number, index: number): ConfirmationOrdeal => {
  const random = randomOf(seed, index);
  const action = random.oneOf(actions);
  const possible = action === 'nothing' ? victims.filter((victim) => victim !== 'confirmation') : victims;
  const victim = random.oneOf(possible);
  return {
    index,
    detached: random.chance(0.5),
    action,
    actAtMs: random.below(deadlineMs),
    victim,
    killAtMs: random.below(victim === 'confirmation' ? 1200 : deadlineMs + 4000),
    awayMs: random.below(3000),
  };
};

/** How a trial ended; `faults` are sentences. */
export interface ConfirmationTrial {
  readonly ordeal: ConfirmationOrdeal;
  readonly isKept: boolean;
  readonly recorded: string;
  /** From the moment at which it began to wait until the instance was free, in milliseconds. */
  readonly tookMs: number;
  readonly faults: readonly string[];
}

interface Arena {
  readonly host: Host;
  readonly instance: string;
  readonly program: string;
  readonly stateDirectory: string;
}

const start = ({ host, program, stateDirectory }: Arena, ...words: string[]) =>
  execa('node', [program, ...words], {
    stdin: 'ignore',
    env: { ...host.env, GUARD_STATE_DIR: stateDirectory, XDG_CONFIG_HOME: stateDirectory },
    reject: false,
  });

interface Agent {
  readonly isReady: () => boolean;
  readonly kill: (awayMs: number) => void;
  readonly end: () => Promise<void>;
}

/** As an init does it: whatever ends it, it is started again. */
const keepAgent = (arena: Arena): Agent => {
  let over = false;
  let pauseMs = 500;
  let isReady = false;
  const begin = () => {
    const started = start(arena, 'agent', '--json');
    isReady = false;
    started.stdout?.on('data', (chunk: Buffer) => (isReady ||= chunk.toString().includes('"server-connected"')));
    return started;
  };
  let agent = begin();
  const ended = (async () => {
    for (;;) {
      await agent;
      if (over) return;
      await systemClock.sleep(pauseMs);
      pauseMs = 500;
      agent = begin();
    }
  })();
  return {
    isReady: () => isReady,
    kill: (awayMs) => {
      isReady = false;
      pauseMs = awayMs;
      agent.kill('SIGKILL');
    },
    end: async () => {
      over = true;
      agent.kill('SIGTERM');
      await ended;
    },
  };
};

const patienceMs = 180_000;

const markerOf = ({ host, instance }: Arena): Promise<string> =>
  incus(host, 'config', 'get', instance, 'user.guard.run').catch(() => 'unknown');

export const tryConfirmationOrdeal = async (
  arena: Arena,
  agent: Agent,
  ordeal: ConfirmationOrdeal,
): Promise<ConfirmationTrial> => {
  const { host, instance, stateDirectory } = arena;
  // Without an agent no change may wait.
  await waitFor(agent.isReady, { limitMs: patienceMs });
  const before = await contentOf(host, instance);
  const wanted = `confirm-${ordeal.index}-${Date.now().toString(36)}`;
  const options = ['--soak', '0s', '--keep', '2', '--confirm', `${deadlineMs}ms`];
  const words = ['run', ...options, ...(ordeal.detached ? ['--detach'] : []), instance];
  const guard = start(arena, ...words, '--', ...commandOf('good', wanted, 0));
  const waits = async (): Promise<boolean> => (await markerOf(arena)).includes('"waiting"');
  await waitFor(waits, { limitMs: patienceMs, everyMs: 50 });
  const began = performance.now();
  await Promise.all([...actsOf(arena, ordeal), strike(arena, agent, ordeal, () => guard.kill('SIGKILL'))]);

  const isFree = async (): Promise<boolean> => {
    const snapshots = await incus(host, 'query', `/1.0/instances/${instance}/snapshots`).catch(() => 'guard-in-flight');
    const noted = await readdir(join(stateDirectory, 'waiting')).catch(() => []);
    return !snapshots.includes('guard-in-flight') && noted.length === 0;
  };
  const isOver = await waitFor(isFree, { limitMs: patienceMs, everyMs: 200 }).then(
    () => true,
    () => false,
  );
  const tookMs = performance.now() - began;
  guard.kill('SIGTERM');
  const { exitCode } = await guard;
  const content = await contentOf(host, instance);
  const isKept = content === wanted;
  const [run] = await listRunsNamed(stateDirectory, { instance }, 1);
  const record = run === undefined ? null : await readRun(stateDirectory, run.run);
  const faults = [
    ...(isOver ? [] : ['it is neither kept nor back']),
    ...(isKept || content === before ? [] : [`the instance says ${content}`]),
    ...contradictions(isKept, exitCode ?? null, record),
    ...((await markerOf(arena)) === '' ? [] : ['the marker is still on the instance']),
  ];
  return { ordeal, isKept, recorded: record?.ended?.outcome.outcome ?? 'nothing', tookMs, faults };
};

/** What people do about the change, each by a guard of its own. */
const actsOf = (arena: Arena, { action, actAtMs, victim, killAtMs }: ConfirmationOrdeal): Promise<void>[] => {
  const act = async (atMs: number, isVictim: boolean, verb: string, ...more: string[]): Promise<void> => {
    await systemClock.sleep(atMs);
    const actor = start(arena, verb, arena.instance, ...more);
    if (isVictim) {
      await systemClock.sleep(killAtMs);
      actor.kill('SIGKILL');
    }
    await actor;
  };
  const isVictim = victim === 'confirmation';
  const extend = ['--extend', `${extensionMs}ms`];
  switch (action) {
    case 'nothing':
      return [];
    case 'confirm':
      return [act(actAtMs, isVictim, 'confirm')];
    case 'refuse':
      return [act(actAtMs, isVictim, 'rollback', '-y')];
    case 'extend':
      return [act(actAtMs, isVictim, 'confirm', ...extend)];
    case 'extend, then confirm':
      return [act(actAtMs, false, 'confirm', ...extend), act(actAtMs + 2500, isVictim, 'confirm')];
  }
};

const strike = async (
  { host }: Arena,
  agent: Agent,
  { victim, killAtMs, awayMs }: ConfirmationOrdeal,
  killGuard: () => void,
): Promise<void> => {
  // That one is killed by whoever starts it.
  if (victim === 'confirmation') return;
  await systemClock.sleep(killAtMs);
  if (victim === 'daemon') {
    await killDaemon(host);
    await systemClock.sleep(awayMs);
    await startDaemon(host);
  }
  if (victim.includes('guard')) killGuard();
  if (victim.includes('agent')) agent.kill(awayMs);
};

/** What the record and the guard's exit status say that is not so. A guard that was not killed may say that the change waits: 16. */
const contradictions = (isKept: boolean, exitStatus: number | null, record: RunRecord | null): string[] => {
  const recorded = record?.ended?.outcome.outcome ?? 'nothing';
  const events = record?.events ?? [];
  const settled = new Set(events.flatMap((event) => (event.type === 'confirmation-settled' ? [event.state] : [])));
  const isTrue = exitStatus === null || exitStatus === 16 || exitStatus === (isKept ? 0 : 14);
  return [
    ...(recorded === (isKept ? 'kept' : 'rolled-back')
      ? []
      : [`it is ${isKept ? 'kept' : 'back'}, and the record says ${recorded}`]),
    ...(settled.size > 1 ? [`the record says ${[...settled].join(' and ')}`] : []),
    ...(isTrue ? [] : [`it is ${isKept ? 'kept' : 'back'}, and the guard ended with ${exitStatus}`]),
  ];
};

/** Tries the ordeals one after another on one container. */
export const confirmationChaos = async (
  options: Choice & {
    readonly hostName: string;
  },
): Promise<ConfirmationTrial[]> => {
  const { seed, indexes, hostName, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'guard-confirm-'));
  // A copy: a build meanwhile must not change what is tried.
  await cp('dist', join(folder, 'dist'), { recursive: true });
  const host = await bringUp({ name: hostName });
  const program = join(folder, 'dist/guard.cjs');
  const arena: Arena = { host, instance: 'confirm-subject', program, stateDirectory: join(folder, 'state') };
  const trials: ConfirmationTrial[] = [];
  await launchSubject(host, arena.instance, 'content-before', 'default');
  const agent = keepAgent(arena);
  try {
    for (const index of indexes) {
      const trial = await tryConfirmationOrdeal(arena, agent, confirmationOrdealOf(seed, index));
      trials.push(trial);
      say(describeConfirmationTrial(trial));
    }
  } finally {
    await agent.end();
    await execa('incus', ['delete', '--force', arena.instance], { env: host.env, stdin: 'ignore', reject: false });
    // What went wrong is looked at in the records.
    if (trials.some(({ faults }) => faults.length > 0)) say(`records: ${arena.stateDirectory}`);
    else await rm(folder, { recursive: true, force: true });
  }
  return trials;
};

/** One line for one trial. */
export const describeConfirmationTrial = ({ ordeal, isKept, tookMs, faults }: ConfirmationTrial): string => {
  const { index, detached, action, actAtMs, victim, killAtMs } = ordeal;
  const did = action === 'nothing' ? action : `${action} at ${actAtMs} ms`;
  const end = isKept ? 'confirmed' : 'rolled back';
  const how = `${detached ? 'detached' : 'attended'}; ${did}; ${victim} killed at ${killAtMs} ms`;
  return `${String(index).padStart(3)}  ${end.padEnd(12)} ${(tookMs / 1000).toFixed(1).padStart(6)} s  ${how}${faults.map((fault) => `  FAULT: ${fault}`).join('')}`;
};

/** The table at the end, in markdown. */
export const confirmationTable = (trials: readonly ConfirmationTrial[]): string[] => [
  '| killed | trials | confirmed | rolled back | both or neither |',
  '| --- | --- | --- | --- | --- |',
  ...victims.map((victim) => {
    const own = trials.filter(({ ordeal }) => ordeal.victim === victim);
    const bad = own.filter(({ faults }) => faults.length > 0).length;
    const kept = own.filter(({ isKept }) => isKept).length;
    return `| ${victim} | ${own.length} | ${kept} | ${own.length - kept} | ${bad} |`;
  }),
];

/** `npm run test:confirm`. Returns the exit status. */
export const confirmationMain = async (words: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...commonOptions,
      table: { type: 'string' },
    },
  });
  const choice = choiceOf(values);
  const hostName = `cf-${Date.now().toString(36)}`;
  const trials = await confirmationChaos({ ...choice, hostName });
  await showTable(confirmationTable(trials), values.table, choice);
  await takeDown(await bringUp({ name: hostName }));
  return trials.some(({ faults }) => faults.length > 0) ? 1 : 0;
};
