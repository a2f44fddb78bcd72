import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { systemClock } from '../../src/clock.ts';
import { keptRestorePoints } from '../../src/journal/kept-restore-points.ts';
import { incus, waitFor, type Host } from '../host/host.ts';
import { lossOf, outcomeOf, snapshotsOf, stuckOf, type Arena, type Trial } from './trial.ts';
import { randomOf } from './random.ts';
import { commandOf, contentOf, healthCheck } from './subject.ts';
import type { Change, Ordeal } from './ordeal.ts';

// What happens to a run besides kills (issue 13): its link to the server is cut and comes back, its process stands still for
// longer than its lease, its disk is full, or a user acts on the instance. Recoveries come from two or three hosts, each with
// records of its own, and in a network namespace of its own, by which a guard knows whether it may look for a process.

const acts = [
  'restarts the instance',
  'stops the instance',
  'restores the restore point',
  'deletes the restore point',
  'renames the restore point',
  'deletes another snapshot',
] as const;
type UserAct = (typeof acts)[number];

const kinds = ['pause', 'broken link', 'full disk', 'user', 'user'] as const;

interface Trouble {
  readonly trouble: (typeof kinds)[number];
  readonly act: UserAct | null;
  /** The first recovery is killed on its way, and a third host finishes. */
  readonly recoveryKilled: boolean;
  /** After its trouble the guard is killed; else it may go on. */
  readonly killed: boolean;
}

/** All that chance decides of one trial with a trouble. */
export type WorldOrdeal = Ordeal & Trouble;

const phases = [
  'restore-point',
  'command',
  'command',
  'verify',
  'keep',
  'stop',
  'restore',
  'start',
  'verify-again',
] as const;

export const worldOrdealOf = (seed: number, index: number): WorldOrdeal => {
  const random = randomOf(seed ^ 0x5eed, index);
  const trouble = random.oneOf(kinds);
  const change = random.oneOf<Change>(['good', 'good', 'fails', 'fails-halfway', 'unhealthy']);
  const canFail = change !== 'good';
  return {
    index,
    trouble,
    act: trouble === 'user' ? random.oneOf(acts) : null,
    change,
    paceMs: 20 + random.below(200),
    strike: {
      victim: 'guard',
      phase: random.oneOf(canFail ? phases : phases.slice(0, 5)),
      afterMs: random.below(400),
      awayMs: 0,
    },
    recoveryStrikes: [],
    recordLost: false,
    checked: true,
    restart: random.chance(0.5),
    recoveryKilled: random.chance(0.3),
    killed: random.chance(trouble === 'full disk' ? 0.8 : 0.3),
  };
};

/** One line of what happened. */
export const describeTrouble = ({ trouble, act, recoveryKilled, killed }: Trouble): string =>
  [
    act === null ? trouble : `a user ${act}`,
    ...(killed ? ['guard killed after it'] : []),
    ...(recoveryKilled ? ['recovery killed'] : []),
  ].join(', ');

export interface WorldArena {
  readonly host: Host;
  readonly instance: string;
  readonly program: string;
  readonly folder: string;
  /** Where all machines so far have their records: what an earlier trial kept is no leak. */
  readonly records: Set<string>;
}

/** As the trials of kills see it: the records of one machine. */
const arenaOf = ({ host, instance, program }: WorldArena, { stateDirectory }: Machine): Arena => ({
  host,
  instance,
  program,
  stateDirectory,
  lostRecords: new Set(),
});

/** A machine that runs guard: its records, its network namespace, and its link to the server. */
interface Machine {
  readonly stateDirectory: string;
  /** In a network namespace of its own no guard can look for the process of another one: as on another machine. */
  readonly isApart: boolean;
  readonly socket: string;
}

/** As short as it may be. */
const configuration = 'defaults: { lease: 1m }\n';
const patienceMs = 300_000;
const usersName = 'renamed-by-a-user';
const usersSnapshot = 'of-a-user';

export const tryWorldOrdeal = async (arena: WorldArena, ordeal: WorldOrdeal): Promise<Trial> => {
  const { host, instance } = arena;
  const folder = await mkdtemp(join(arena.folder, `${ordeal.index}-`));
  const link = await openLink(host.socket, join(folder, 'link.socket'));
  const machines = await Promise.all(
    [1, 2, 3].map((number) => machineOf(folder, number, number === 1 ? link.socket : host.socket)),
  );
  for (const { stateDirectory } of machines) arena.records.add(stateDirectory);
  const [first, second, third] = machines as [Machine, Machine, Machine];
  const before = await contentOf(host, instance);
  const wanted = `content-${ordeal.index}-${Date.now().toString(36)}`;
  await incus(host, 'snapshot', 'create', instance, usersSnapshot);
  if (ordeal.trouble === 'full disk') await mountSmall(first.stateDirectory);
  try {
    const run = startOn(arena, first, [
      ...optionsOf(ordeal),
      instance,
      '--',
      ...commandOf(ordeal.change, wanted, ordeal.paceMs),
    ]);
    const struck = await reached(run, ordeal);
    const seen = struck
      ? await troubleOf(arena, ordeal, { run, link, first, second, third })
      : { changedLater: null, recovery: null };
    await endOf(run);
    link.mend();
    await freeDisk(first.stateDirectory);
    const runStatus = await run.ended;
    const recovered = await recoverOn(arena, first, []);
    // A recovery elsewhere may still have its record open.
    const elsewhere = await recoverOn(arena, second, []);
    const outcome = await outcomeOf(arenaOf(arena, first), wanted);
    const isOfUser = ordeal.act !== null && struck;
    const loss = await lossOf(arenaOf(arena, first), ordeal, { before, wanted, outcome: outcome });
    const status = [recovered.status, elsewhere.status].find((one) => one !== 0) ?? 0;
    const held = run.hung() ? 'guard hung' : await stuckOf(arenaOf(arena, first), status);
    const next = held === null ? await nextRunOn(arena, second) : null;
    return {
      ordeal,
      outcome: outcome ?? `ended with ${runStatus}`,
      struck,
      recoveries: 2,
      neededAHand: recovered.neededAHand || elsewhere.neededAHand,
      withoutCause: isWithoutCause(ordeal, struck, recovered, elsewhere),
      lost: seen.changedLater ?? (loss !== null && isExcused(ordeal, isOfUser, loss, outcome) ? null : loss),
      leaked: await leaksOf(arena),
      stuck: held ?? seen.recovery ?? next,
      next: null,
    };
  } finally {
    link.close();
    await cleanUp(arena, machines);
  }
};

/** What a user's own act makes impossible: the restore point is gone, so nothing can go back to it; or it was stopped by hand. */
const isExcused = ({ act, trouble }: WorldOrdeal, isOfUser: boolean, loss: string, outcome: string | null): boolean => {
  if (!isOfUser) {
    // The guard that lost its run says that it does not know; its host's recovery is not asked to tell more.
    return trouble !== 'full disk' && outcome === 'rollback-failed' && loss.endsWith('recorded as rollback-failed');
  }
  if (takesPoint({ act })) return outcome !== 'rolled-back' && outcome !== 'kept';
  if (act === 'stops the instance') return loss === 'the instance is Stopped';
  return false;
};

const takesPoint = ({ act }: Pick<WorldOrdeal, 'act'>): boolean =>
  act === 'deletes the restore point' || act === 'renames the restore point';

/** A run that another host has finished is told as such (21) by the host that lost it. A user may have taken the restore point. */
const isWithoutCause = (ordeal: WorldOrdeal, struck: boolean, first: Recovered, elsewhere: Recovered): boolean => {
  if (struck && takesPoint(ordeal)) return false;
  const isLost = struck && (ordeal.trouble === 'pause' || ordeal.trouble === 'broken link');
  return elsewhere.neededAHand || (first.neededAHand && !isLost);
};

interface Running {
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Its exit status; null where it was killed. */
  readonly ended: Promise<number | null>;
  readonly said: () => string;
  readonly isOver: () => boolean;
  readonly hung: () => boolean;
  readonly hang: () => void;
}

const startOn = (arena: WorldArena, machine: Machine, [command = '', ...words]: readonly string[]): Running => {
  const named = [command, '--config', join(machine.stateDirectory, '../guard.yaml')];
  const program = ['node', arena.program, ...named, ...words];
  const process = execa(machine.isApart ? 'unshare' : 'env', [...(machine.isApart ? ['--net'] : []), ...program], {
    stdin: 'ignore',
    reject: false,
    forceKillAfterDelay: false,
    env: {
      ...arena.host.env,
      INCUS_SOCKET: machine.socket,
      GUARD_STATE_DIR: machine.stateDirectory,
      XDG_CONFIG_HOME: join(machine.stateDirectory, '..'),
    },
  });
  let said = '';
  let over = false;
  let hung = false;
  process.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  process.stderr.resume();
  async function end(): Promise<number | null> {
    const { exitCode } = await process;
    over = true;
    return exitCode ?? null;
  }
  return {
    kill: (signal) => void process.kill(signal),
    ended: end(),
    said: () => said,
    isOver: () => over,
    hung: () => hung,
    hang: () => void (hung = true),
  };
};

const optionsOf = ({ restart }: Ordeal): string[] => [
  ...'run --json --retry --soak 0s --keep 2 --verify-timeout 15s --check-interval 100ms'.split(' '),
  ...(restart ? ['--restart'] : []),
  '--check',
  healthCheck,
];

/** Whether it is at the moment of the trouble; it may end before. */
const reached = async (run: Running, { strike }: Ordeal): Promise<boolean> => {
  const begun = `"type":"phase-started","phase":"${strike.phase}"`;
  await waitFor(() => run.isOver() || run.said().includes(begun), { limitMs: patienceMs, everyMs: 5 });
  await systemClock.sleep(strike.afterMs);
  return !run.isOver();
};

interface Scene {
  readonly run: Running;
  readonly link: Link;
  readonly first: Machine;
  readonly second: Machine;
  readonly third: Machine;
}

interface Seen {
  /** What changed after a guard that had lost its run was back. */
  readonly changedLater: string | null;
  /** What is wrong with the recovery of the other host. */
  readonly recovery: string | null;
}

const troubleOf = async (arena: WorldArena, ordeal: WorldOrdeal, scene: Scene): Promise<Seen> => {
  const { run, link, first } = scene;
  const nothing = { changedLater: null, recovery: null };
  const kill = (): void => (ordeal.killed ? run.kill('SIGKILL') : undefined);
  switch (ordeal.trouble) {
    case 'user':
      await actOf(arena, ordeal.act);
      kill();
      return nothing;
    case 'full disk':
      await fillDisk(first.stateDirectory);
      await systemClock.sleep(ordeal.paceMs * 4);
      kill();
      return nothing;
    case 'pause':
      run.kill('SIGSTOP');
      return takenOver(arena, ordeal, scene, () => run.kill('SIGCONT'));
    case 'broken link':
      link.cut();
      return takenOver(arena, ordeal, scene, () => link.mend());
  }
};

/** Another host recovers once the lease is over; the guard that comes back must not change anything. */
const takenOver = async (arena: WorldArena, ordeal: WorldOrdeal, scene: Scene, comeBack: () => void): Promise<Seen> => {
  const { run, second, third } = scene;
  if (ordeal.recoveryKilled) {
    const killed = startOn(arena, second, ['recover', '--json', arena.instance]);
    const isAtWork = (): boolean => killed.isOver() || /"phase":"(stop|restore|start)"/.test(killed.said());
    await waitFor(isAtWork, { limitMs: patienceMs, everyMs: 5 });
    await systemClock.sleep(ordeal.strike.afterMs);
    killed.kill('SIGKILL');
    await killed.ended;
  }
  const recovered = await recoverOn(arena, ordeal.recoveryKilled ? third : second, []);
  const before = await lookAt(arena);
  comeBack();
  await endOf(run);
  const after = await lookAt(arena);
  return {
    changedLater: before === after ? null : `a guard that came back changed ${before} to ${after}`,
    recovery:
      recovered.status === 0 ? null : `the recovery of another host ended with ${recovered.status}: ${recovered.said}`,
  };
};

/** What nobody may change any more. */
const lookAt = async ({ host, instance }: WorldArena): Promise<string> => {
  const state = JSON.parse(await incus(host, 'query', `/1.0/instances/${instance}/state`)) as { pid: number };
  const mark = await incus(host, 'config', 'get', instance, 'user.guard.run');
  return JSON.stringify([state.pid, mark, await snapshotsOf(host, instance)]);
};

const endOf = async (run: Running): Promise<void> => {
  await waitFor(() => run.isOver(), { limitMs: patienceMs }).catch(() => {
    run.hang();
    run.kill('SIGKILL');
  });
  await run.ended;
};

interface Recovered {
  readonly status: number | null;
  readonly neededAHand: boolean;
  readonly said: string;
}

/** Twice: what a person does first is to try again. */
const recoverOn = async (arena: WorldArena, machine: Machine, more: readonly string[]): Promise<Recovered> => {
  let neededAHand = false;
  for (let tries = 1; ; tries += 1) {
    const run = startOn(arena, machine, ['recover', '--json', ...more, arena.instance]);
    await endOf(run);
    const status = await run.ended;
    neededAHand ||= status === 21 || status === 30;
    if (status === 0 || tries === 2) return { status, neededAHand, said: run.said().slice(-400) };
  }
};

const nextRunOn = async (arena: WorldArena, machine: Machine): Promise<string | null> => {
  const run = startOn(arena, machine, ['run', '--json', '--soak', '0s', '--keep', '2', arena.instance, '--', 'true']);
  await endOf(run);
  const status = await run.ended;
  return status === 0 ? null : `the next run ends with ${status}: ${run.said().slice(-400)}`;
};

const actOf = async ({ host, instance }: WorldArena, act: UserAct | null): Promise<void> => {
  const words: Readonly<Record<UserAct, readonly string[]>> = {
    'restarts the instance': ['restart', '--force', instance],
    'stops the instance': ['stop', '--force', instance],
    'restores the restore point': ['snapshot', 'restore', instance, 'guard-in-flight'],
    'deletes the restore point': ['snapshot', 'delete', instance, 'guard-in-flight'],
    'renames the restore point': ['snapshot', 'rename', instance, 'guard-in-flight', usersName],
    'deletes another snapshot': ['snapshot', 'delete', instance, usersSnapshot],
  };
  if (act !== null) await execa('incus', words[act], { env: host.env, stdin: 'ignore', reject: false });
};

const leaksOf = async ({ host, instance, records }: WorldArena): Promise<string[]> => {
  const address = { instance, project: 'default', remote: null, uuid: null, server: null, createdAt: null };
  const kept = await Promise.all([...records].map((stateDirectory) => keptRestorePoints(stateDirectory, address)));
  const named = new Set([...kept.flat().map(({ name }) => name), usersName, usersSnapshot, 'guard-in-flight']);
  return (await snapshotsOf(host, instance)).filter((name) => !named.has(name));
};

/** A link that can be cut: connections break, and none is accepted. */
interface Link {
  readonly socket: string;
  readonly cut: () => void;
  readonly mend: () => void;
  readonly close: () => void;
}

const openLink = async (target: string, path: string): Promise<Link> => {
  let isUp = true;
  const open = new Set<Socket>();
  const server = createServer((near) => {
    if (!isUp) return void near.destroy();
    const far = connect(target);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const breakAll = (): void => {
    for (const one of open) one.destroy();
  };
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return {
    socket: path,
    cut: () => {
      isUp = false;
      breakAll();
    },
    mend: () => {
      isUp = true;
    },
    close: () => {
      breakAll();
      server.close();
    },
  };
};

const machineOf = async (folder: string, number: number, socket: string): Promise<Machine> => {
  const stateDirectory = join(folder, `machine-${number}`, 'state');
  await mkdir(stateDirectory, { recursive: true });
  await writeFile(join(stateDirectory, '../guard.yaml'), configuration);
  return { stateDirectory, isApart: number > 1, socket };
};

const cleanUp = async ({ host, instance }: WorldArena, machines: readonly Machine[]): Promise<void> => {
  for (const { stateDirectory } of machines)
    await execa('umount', [stateDirectory], { stdin: 'ignore', reject: false });
  for (const name of [usersName, usersSnapshot])
    await execa('incus', ['snapshot', 'delete', instance, name], { env: host.env, stdin: 'ignore', reject: false });
};

/** Large enough for the records of a few runs. */
const mountSmall = async (folder: string): Promise<void> => {
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdin: 'ignore' });
};

const fillDisk = async (folder: string): Promise<void> => {
  await writeFile(join(folder, 'filler'), Buffer.alloc(4 * 1024 * 1024)).catch(() => {});
};

const freeDisk = async (folder: string): Promise<void> => {
  await rm(join(folder, 'filler'), { force: true });
};
