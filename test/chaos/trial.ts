import { mkdtemp } from 'node:fs/promises';
import { keptRestorePoints } from '../../src/journal/kept-restore-points.ts';
import { listRunsNamed } from '../../src/journal/run-index.ts';
import { incus, type Host } from '../host/host.ts';
import { asOnServer } from './as-on-server.ts';
import type { Ordeal, Strike } from './ordeal.ts';
import { commandOf, contentOf, healthCheck } from './subject.ts';
import { runStruck, type GuardEnd } from './victim.ts';

/** What is tried, and where. */
export interface Arena {
  readonly host: Host;
  readonly instance: string;
  /** The built guard. */
  readonly program: string;
  /** Where the runs of this arena leave their records. */
  readonly stateDirectory: string;
  /** Where recoveries without these records left theirs. */
  readonly lostRecords: Set<string>;
}

/** How one ordeal ended. */
export interface Trial {
  readonly ordeal: Ordeal;
  /** What the record says; null where no run was recorded. */
  readonly outcome: string | null;
  /** The strike, or one of those at recovery, hit something alive. */
  readonly struck: boolean;
  readonly recoveries: number;
  /** The commands that guard printed had to be run: a recovery ended with 21 or 30. */
  readonly neededAHand: boolean;
  /** Neither a killed daemon nor a user had made that necessary. */
  readonly withoutCause: boolean;
  /** The instance is between old and new, or not what the record says, or does not run. */
  readonly lost: string | null;
  readonly leaked: readonly string[];
  /** Something still holds the instance. */
  readonly stuck: string | null;
  /** The exit status of a next run that was let in, and did not end with 0; null where it did. */
  readonly next: number | null;
}

const mostRecoveries = 6;
const inFlight = 'guard-in-flight';
const unfinished = 'no outcome';

/** Lets one run be struck down, recovers it, and looks at what is left. */
export const tryOrdeal = async (arena: Arena, ordeal: Ordeal): Promise<Trial> => {
  const { host, instance } = arena;
  const before = await contentOf(host, instance);
  const wanted = `content-${ordeal.index}-${Date.now().toString(36)}`;
  const command = commandOf(ordeal.change, wanted, ordeal.paceMs);
  const run = await runStruck(host, arena, ['run', ...optionsOf(ordeal), instance, '--', ...command], ordeal.strike);
  const recordsOfRecovery = ordeal.recordLost ? await mkdtemp(`${arena.stateDirectory}-lost-`) : arena.stateDirectory;
  arena.lostRecords.add(recordsOfRecovery);
  const recovered = await recover({ ...arena, stateDirectory: recordsOfRecovery }, ordeal);
  // A record that was lost and is found again must not do harm.
  if (ordeal.recordLost) await runStruck(host, arena, ['recover', '--json', instance], null);

  const outcome = await outcomeOf(arena, wanted);
  const lost = await lossOf(arena, ordeal, { before, wanted, outcome });
  const leaked = lost === null ? await leaksOf(arena) : [];
  const held = run.hung || recovered.hung ? 'guard hung' : await stuckOf(arena, recovered.status);
  const next = held === null ? await nextRun(arena, ordeal) : { stuck: held, status: null };
  return {
    ordeal,
    outcome,
    struck: run.struck || recovered.struck,
    recoveries: recovered.attempts,
    neededAHand: recovered.neededAHand,
    withoutCause: recovered.neededAHand && [ordeal.strike, ...ordeal.recoveryStrikes].every(sparesDaemon),
    lost,
    leaked,
    stuck: next.stuck,
    next: next.status,
  };
};

/** A daemon that was killed may have left what only its administrator can repair. */
const sparesDaemon = ({ victim }: Strike): boolean => victim === 'guard';

/** What the record of the run with this command says; two runs may begin in the same second. */
export const outcomeOf = async ({ stateDirectory, instance }: Arena, wanted: string): Promise<string | null> => {
  const runs = await listRunsNamed(stateDirectory, { instance }, 20);
  const run = runs.find(({ started }) => started?.command.join(' ').includes(wanted));
  return run ? (run.ended?.outcome.outcome ?? unfinished) : null;
};

/** Quick runs: what is tried here is not the watch. */
const optionsOf = ({ checked, restart }: Ordeal): string[] => [
  ...'--json --soak 0s --keep 2 --verify-timeout 15s'.split(' '),
  ...(restart ? ['--restart'] : []),
  ...(checked ? ['--check-interval', '100ms', '--check', healthCheck] : []),
];

interface Recovered {
  readonly status: number | null;
  readonly attempts: number;
  readonly neededAHand: boolean;
  readonly struck: boolean;
  readonly hung: boolean;
}

/** `guard recover` until it says that it is done; the first ones are struck down too. */
const recover = async (arena: Arena, ordeal: Ordeal): Promise<Recovered> => {
  const strikes = [...ordeal.recoveryStrikes];
  let neededAHand = false;
  let struck = false;
  for (let attempts = 1; ; attempts += 1) {
    const strike = strikes.shift() ?? null;
    const words = ['recover', '--json', ...(ordeal.recordLost ? ['--take-over'] : []), arena.instance];
    const end = await runStruck(arena.host, arena, words, strike);
    struck ||= end.struck;
    const over = end.status === 0 && !end.struck;
    if (over || end.hung || attempts >= mostRecoveries)
      return { status: end.status, attempts, neededAHand, struck, hung: end.hung };
    if (end.status === 21 || end.status === 30) {
      neededAHand = true;
      await manualRecovery(arena, end);
    }
  }
};

/** Runs exactly what guard printed, where the daemon sees its disks. */
const manualRecovery = async ({ host }: Arena, end: GuardEnd): Promise<void> => {
  const outcome = end.events.findLast(({ type }) => type === 'run-ended')?.['outcome'] as Printed | undefined;
  const advised = [...(outcome?.refusal?.advice ?? '').matchAll(/`((?:incus|lxc) [^`]*)`/g)].map(
    ([, command = '']) => command,
  );
  for (const command of outcome?.manualRecovery ?? advised) await asOnServer(host, command);
};

interface Printed {
  readonly manualRecovery?: readonly string[];
  readonly refusal?: { readonly advice: string };
}

export const lossOf = async (
  { host, instance }: Arena,
  ordeal: Ordeal,
  seen: { readonly before: string; readonly wanted: string; readonly outcome: string | null },
): Promise<string | null> => {
  const { status } = JSON.parse(await incus(host, 'query', `/1.0/instances/${instance}`)) as { status: string };
  if (status !== 'Running') return `the instance is ${status}`;
  const content = await contentOf(host, instance);
  if (content !== seen.before && content !== seen.wanted) return content;
  // A bad change must never stay, whatever the record says.
  const isNew = content === seen.wanted;
  if (isNew && ordeal.change !== 'good') return 'a bad change was kept';
  // Without the record nobody can tell more than that it is one or the other.
  if (ordeal.recordLost) return null;
  if (seen.outcome === unfinished) return 'the record has no end';
  if (seen.outcome === null) return isNew ? 'changed, but no outcome is recorded' : null;
  return isNew === (seen.outcome === 'kept') ? null : `${isNew ? 'new' : 'old'}, but recorded as ${seen.outcome}`;
};

/** Restore points that no record names. */
const leaksOf = async ({ host, instance, stateDirectory, lostRecords }: Arena): Promise<string[]> => {
  const address = { instance, project: 'default', remote: null, uuid: null, server: null, createdAt: null };
  const kept = await Promise.all([stateDirectory, ...lostRecords].map((state) => keptRestorePoints(state, address)));
  const named = new Set(kept.flat().map(({ name }) => name));
  return (await snapshotsOf(host, instance)).filter((name) => name !== inFlight && !named.has(name));
};

export const stuckOf = async (arena: Arena, recovered: number | null): Promise<string | null> => {
  const { host, instance } = arena;
  if (recovered !== 0) return `guard recover ends with ${recovered}`;
  if ((await snapshotsOf(host, instance)).includes(inFlight)) return 'the restore point is still in flight';
  const mark = await incus(host, 'config', 'get', instance, 'user.guard.run');
  if (mark !== '') return 'the mark is still on the instance';
  return null;
};

/** A run that is turned away (30, 31) shows that something holds the instance; any other end is an end of its own. */
const nextRun = async (
  arena: Arena,
  ordeal: Ordeal,
): Promise<{ readonly stuck: string | null; readonly status: number | null }> => {
  const words = ['run', ...optionsOf(ordeal), arena.instance, '--', 'true'];
  const { status, stderr, hung } = await runStruck(arena.host, arena, words, null);
  if (status === 0) return { stuck: null, status: null };
  if (hung || status === null || status === 30 || status === 31)
    return { stuck: `the next run ends with ${status}: ${stderr.slice(-300)}`, status: null };
  return { stuck: null, status };
};

export const snapshotsOf = async (host: Host, instance: string): Promise<string[]> => {
  const snapshots: unknown = JSON.parse(await incus(host, 'query', `/1.0/instances/${instance}/snapshots?recursion=1`));
  return (snapshots as { name: string }[]).map(({ name }) => name);
};
