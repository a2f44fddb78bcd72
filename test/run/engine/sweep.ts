import { keptKey } from '../../../src/run/lock/marker.ts';
import type { Outcome } from '../../../src/event.ts';
import type { Fault, MemoryRequest } from '../../../src/platform/memory/requests.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import type { RunPlan } from '../../../src/run/changes/change.ts';
import { rollbackChange } from '../../../src/run/changes/rollback.ts';
import { transactionChange, type TransactionEnd } from '../../../src/run/changes/transaction.ts';
import { recoverInstance, type Recovered } from './recovery.ts';
import {
  createWorld,
  planOf,
  setVersion,
  startGuard,
  versionOf,
  type CommandKind,
  type Guard,
  type World,
} from './world.ts';

/** One kind of run that is swept. */
export interface RunKind {
  readonly name: string;
  readonly command: CommandKind;
  readonly world?: Parameters<typeof createWorld>[0];
  readonly plan?: Partial<RunPlan>;
  /** `guard rollback` to a restore point of version `v0`, or a package manager's transaction. */
  readonly change?: 'rollback' | 'transaction';
}

const quiesce = (name: string): RunPlan['hooks'] => ({
  beforeRestorePoint: [{ kind: 'exec', command: [name], environment: {}, timeoutMs: 5000, user: 0, cwd: '/' }],
  afterRestorePoint: [{ kind: 'exec', command: [name], environment: {}, timeoutMs: 5000, user: 0, cwd: '/' }],
});

export const runKinds: readonly RunKind[] = [
  { name: 'kept', command: 'good' },
  { name: 'command fails', command: 'fails' },
  { name: 'unhealthy', command: 'breaks' },
  { name: 'kept, with a volume', command: 'good', world: { hasVolume: true } },
  { name: 'unhealthy, with a volume', command: 'breaks', world: { hasVolume: true } },
  { name: 'kept, of a stopped instance', command: 'good', world: { isRunning: false } },
  { name: 'unhealthy, of a stopped instance', command: 'breaks', world: { isRunning: false } },
  { name: 'kept, with --restart', command: 'good', plan: { restart: true } },
  { name: 'unhealthy, with --restart', command: 'breaks', plan: { restart: true } },
  { name: 'unhealthy, with --stop-first', command: 'breaks', plan: { stopFirst: true } },
  { name: 'command fails, quiesced', command: 'fails', plan: { hooks: quiesce('resume') } },
  { name: 'rollback run', command: 'good', change: 'rollback' },
  { name: 'kept transaction', command: 'good', change: 'transaction' },
  { name: 'unhealthy transaction', command: 'breaks', change: 'transaction' },
];

/** What befalls a run: a fault at one request, or at each one from there on. */
export interface Mishap {
  readonly fault: Fault;
  readonly at: number;
  readonly forEver: boolean;
}

/** Who recovers afterwards: this host with its records, this host without them, or another host. */
export type Recoverer = 'here' | 'without records' | 'elsewhere';

const run = '20270101-000000-aaaa';
const oldRun = '20261231-000000-bbbb';

const once: readonly Fault[] = ['unreachable', 'lost-before', 'lost-after', 'refused', 'busy', 'hangs', 'server-dies'];
const deaths: readonly Fault[] = ['die-before', 'die-during', 'die-after'];
const forEver: readonly Fault[] = ['unreachable', 'refused', 'busy', 'lost-before'];
const recoverers: readonly Recoverer[] = ['here', 'without records', 'elsewhere'];

/** Every mishap at one request: killed at each moment of it and recovered by each recoverer, and all that can go wrong with it. */
export function mishapsAt(at: number): (readonly [Mishap, Recoverer])[] {
  const recoverer = recoverers[at % recoverers.length] ?? 'here';
  return [
    ...deaths.flatMap((fault) => recoverers.map((who) => [{ fault, at, forEver: false }, who] as const)),
    ...once.map((fault) => [{ fault, at, forEver: false }, recoverer] as const),
    ...forEver.map((fault) => [{ fault, at, forEver: true }, recoverer] as const),
  ];
}

/** What a swept run came to; `violations` are sentences. */
export interface Swept {
  /** Whether the mishap happened: the run made that many requests. */
  readonly reached: boolean;
  readonly requests: number;
  readonly violations: readonly string[];
}

/** Does one run with its mishap, recovers, and checks what has to be true afterwards. */
export async function sweepOne(kind: RunKind, mishap: Mishap | null, recoverer: Recoverer): Promise<Swept> {
  const world = createWorld(kind.world);
  const before = { isRunning: world.instance.status === 'Running' };
  const user = await prepareWorld(world, kind);
  const counter = { requests: 0, reached: mishap === null };
  const guard = startGuard(world, { run, faultOf: faultsOf(mishap, counter) });
  const plan = planFor(kind, world, guard);
  const ended = await world.time.run(guard.process, () => guardedRun(plan, guard.tools));
  const violations: string[] = [];
  if (ended.end === 'stuck') violations.push('the run never ends');
  const outcome = ended.end === 'done' ? ended.value : null;
  // Whatever the guard did not do, nobody does any more.
  if (ended.end !== 'done') guard.process.kill();
  else world.dead.add(guard.tools.holder.pid);
  if (outcome !== null) violations.push(...checkReport(world, kind, outcome, before.isRunning));
  await world.time.pass(30_000);
  violations.push(...(await recoverFully(world, kind, recoverer)));
  violations.push(...checkWorld(world, kind, before.isRunning, user));
  return { reached: counter.reached, requests: counter.requests, violations };
}

function faultsOf(mishap: Mishap | null, counter: { requests: number; reached: boolean }) {
  return ({ index }: MemoryRequest): Fault | null => {
    counter.requests = Math.max(counter.requests, index + 1);
    if (mishap === null || index < mishap.at || (index > mishap.at && !mishap.forEver)) return null;
    counter.reached = true;
    return mishap.fault;
  };
}

/** A snapshot of the user's, which must outlive everything; for a rollback run, an older version to go back to. */
async function prepareWorld(world: World, { change }: RunKind): Promise<string> {
  const guard = startGuard(world, { run: 'setup' });
  const snapshot = (name: string) =>
    world.time.run(guard.process, () =>
      guard.platform.createSnapshot('web', { name, expiresAt: null }, { limitMs: 60_000 }),
    );
  if (change === 'rollback') {
    setVersion(world, 'v0');
    await snapshot(`guard-${oldRun}`);
    setVersion(world, 'v1');
  }
  await snapshot('mine');
  return world.instance.snapshots.find(({ name }) => name === 'mine')?.createdAt ?? '';
}

function planFor(kind: RunKind, world: World, guard: Guard): RunPlan {
  const plan = planOf(kind.command, run, kind.plan);
  if (kind.change === 'rollback') {
    const name = `guard-${oldRun}`;
    const createdAt = world.instance.snapshots.find((snapshot) => snapshot.name === name)?.createdAt ?? '';
    return {
      ...plan,
      change: rollbackChange({ run: oldRun, restorePoint: { name, createdAt, volumes: [] }, baseline: null }),
    };
  }
  if (kind.change !== 'transaction') return plan;
  return { ...plan, change: transactionChange(transactionOf(kind, world, guard)) };
}

/** A package manager inside: once it may go on, it goes on whether or not guard lives. */
function transactionOf(kind: RunKind, world: World, { tools }: Guard) {
  let finish: (end: TransactionEnd) => void = () => {};
  const ended = new Promise<TransactionEnd>((resolve) => (finish = resolve));
  const { clock } = world.server;
  const work = async (): Promise<void> => {
    await clock.sleep(200);
    if (world.instance.status !== 'Running') return;
    setVersion(world, kind.command === 'good' ? 'v2' : 'broken');
    await clock.sleep(50);
    finish({ end: { kind: 'exited', status: 0 }, finished: true });
  };
  const lost = async (): Promise<TransactionEnd> => {
    await tools.clock.sleep(60_000);
    return { end: { kind: 'lost', message: 'the package manager is gone.' }, finished: false };
  };
  return {
    manager: 'apt',
    pid: 4711,
    packages: 1,
    fingerprint: 'one',
    begin: () => void work(),
    ended: () => Promise.race([ended, lost()]),
  };
}

/** Recovers until nothing is left, as a person or a timer would: at most a few times. */
async function recoverFully(world: World, kind: RunKind, recoverer: Recoverer): Promise<string[]> {
  let last: Recovered = null;
  for (let tries = 0; tries < 3; tries += 1) {
    const host = recoverer === 'elsewhere' ? 'elsewhere' : 'here';
    const guard = startGuard(world, { run, host });
    const known = recoverer === 'here' ? run : null;
    const end = await world.time.run(guard.process, () =>
      recoverInstance(world, guard, planOf(kind.command, run, kind.plan), known),
    );
    if (end.end !== 'done') return [`a recovery ${end.end === 'stuck' ? 'never ends' : 'was killed'}`];
    last = end.value;
    if (!isLeft(world)) return [];
  }
  return [`recovery leaves something: ${JSON.stringify(last)}`];
}

function isLeft({ instance, volume }: World): boolean {
  const inFlight = (snapshots: readonly { readonly name: string }[]): boolean =>
    snapshots.some(({ name }) => name === 'guard-in-flight');
  return (
    inFlight(instance.snapshots) || inFlight(volume?.snapshots ?? []) || instance.metadata['quiesce'] !== undefined
  );
}

/** The promises of the product, for a world in which nothing is under way any more. */
function checkWorld(world: World, kind: RunKind, wasRunning: boolean, user: string): string[] {
  const { instance } = world;
  const violations: string[] = [];
  const version = versionOf(world);
  const allowed = kind.change === 'rollback' ? ['v0', 'v1'] : kind.command === 'good' ? ['v1', 'v2'] : ['v1'];
  if (!allowed.includes(version)) violations.push(`the instance is at ${version}`);
  // Whoever has no record of the run learns from the instance whether its change was kept. A transaction that never began
  // may count as kept.
  const saysKept = instance.metadata[keptKey] === run;
  if (version === 'v2' && !saysKept) violations.push('the instance does not say that its change was kept');
  if (version === 'v1' && saysKept && kind.change === undefined) violations.push('the instance says "kept" at v1');
  if (!instance.snapshots.some(({ name, createdAt, hasData }) => name === 'mine' && createdAt === user && hasData))
    violations.push("the user's snapshot is gone");
  const status = wasRunning ? 'Running' : 'Stopped';
  if (instance.status !== status) violations.push(`the instance is ${instance.status}`);
  if (instance.snapshots.some(({ hasData }) => !hasData)) violations.push('snapshots are inconsistent');
  return violations;
}

/** A report says no more than what is. */
function checkReport(world: World, kind: RunKind, outcome: Outcome, wasRunning: boolean): string[] {
  const version = versionOf(world);
  const isBack = version === 'v1' && (!wasRunning || world.instance.status === 'Running');
  switch (outcome.outcome) {
    case 'kept':
      return kind.command === 'good' || version === 'v1' ? [] : [`"kept" is said of ${version}`];
    case 'rolled-back':
      return isBack ? [] : [`"rolled back" is said of ${version}, ${world.instance.status}`];
    case 'refused':
    case 'busy':
      return version === 'v1' ? [] : [`"${outcome.outcome}" is said of ${version}`];
    default:
      return [];
  }
}
