import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { bringUp, takeDown } from '../host/host.ts';
import { choiceOf, commonOptions, type Choice } from './options.ts';
import { aims, ordealOf, restartOrdealOf, type Aim, type Ordeal } from './ordeal.ts';
import { launchSubject } from './subject.ts';
import { isBad, describeTrial, summary } from './table.ts';
import { tryOrdeal, type Arena, type Trial } from './trial.ts';
import { tryWorldOrdeal, worldOrdealOf, type WorldOrdeal } from './world.ts';

/** What to try. */
export interface ChaosOptions extends Choice {
  /** The host whose daemon is killed; it must be nobody else's. */
  readonly hostName: string;
  /** The pool: `default` is btrfs, `dirpool` copies. */
  readonly storage?: string;
  readonly aim?: Aim;
}

const chosen = (aim: Aim, seed: number, index: number): Ordeal | WorldOrdeal => {
  switch (aim) {
    case 'any':
      return ordealOf(seed, index);
    case 'restart':
      return { ...ordealOf(seed, index), restart: true };
    case 'during-restart':
      return restartOrdealOf(seed, index);
    case 'world':
      return worldOrdealOf(seed, index);
  }
};

/** `npm run test:chaos`. Returns the exit status: 0 when nothing was lost, leaked or stuck. */
export const main = async (words: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...commonOptions,
      host: { type: 'string' },
      storage: { type: 'string', default: 'default' },
      aim: { type: 'string', default: 'any' },
    },
  });
  const choice = choiceOf(values);
  const aim = aims.find((name) => name === values.aim);
  if (aim === undefined) throw new Error(`--aim is one of ${aims.join(', ')}`);
  // Two runs on one machine would kill each other's daemon.
  const hostName = values.host ?? `ch-${Date.now().toString(36)}`;
  const trials = await chaos({ ...choice, hostName, storage: values.storage, aim });
  for (const line of summary(choice.seed, trials, aim)) choice.say(line);
  if (values.host === undefined) await takeDown(await bringUp({ name: hostName }));
  return trials.some(isBad) ? 1 : 0;
};

/** Tries the ordeals one after another on one container, which is only replaced when it was lost. */
export const chaos = async ({
  seed,
  indexes,
  hostName,
  storage = 'default',
  aim = 'any',
  say,
}: ChaosOptions): Promise<Trial[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-chaos-'));
  // A copy: a build meanwhile must not change what is tried.
  await cp('dist', join(folder, 'dist'), { recursive: true });
  const program = join(folder, 'dist/guard.cjs');
  const host = await bringUp({ name: hostName, dirPool: storage !== 'default' });
  const arena: Arena = {
    host,
    instance: 'chaos-subject',
    program,
    stateDirectory: join(folder, 'state'),
    lostRecords: new Set(),
  };
  const trials: Trial[] = [];
  const left = [...indexes];
  // Where the daemon lives, several containers can be tried at once: most of the time goes by with waiting for leases.
  const lanes = aim === 'world' ? Math.min(worldLanes, indexes.length) : 1;
  async function tryAll(lane: number): Promise<void> {
    const instance = lane === 0 ? arena.instance : `${arena.instance}-${lane}`;
    let fresh = false;
    for (let index = left.shift(); index !== undefined; index = left.shift()) {
      if (!fresh) await launchSubject(host, instance, `content-before-${index}`, storage);
      const trial = await tried(chosen(aim, seed, index), (ordeal) =>
        'trouble' in ordeal
          ? tryWorldOrdeal({ host, instance, program, folder, records: arena.lostRecords }, ordeal)
          : tryOrdeal({ ...arena, instance }, ordeal),
      );
      trials.push(trial);
      fresh = !isBad(trial) && trial.next === null;
      say(describeTrial(trial));
    }
    await execa('incus', ['delete', '--force', instance], { env: host.env, stdin: 'ignore', reject: false });
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => tryAll(lane)));
  // What went wrong is looked at in the records.
  if (trials.some(isBad)) say(`records: ${folder}`);
  else await rm(folder, { recursive: true, force: true });
  return trials.toSorted((a, b) => a.ordeal.index - b.ordeal.index);
};

const worldLanes = 3;

/** An instance that cannot even be looked at is lost. */
const tried = async <One extends Ordeal>(ordeal: One, tryOne: (ordeal: One) => Promise<Trial>): Promise<Trial> => {
  try {
    return await tryOne(ordeal);
  } catch (failure) {
    const lost = failure instanceof Error ? failure.message.slice(0, 500) : String(failure);
    return {
      ordeal,
      outcome: null,
      struck: true,
      recoveries: 0,
      neededAHand: false,
      withoutCause: false,
      lost,
      leaked: [],
      stuck: null,
      next: null,
    };
  }
};
