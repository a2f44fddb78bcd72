import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { bringUp, takeDown } from '../host/host.ts';
import { ordealOf, restartOrdealOf, type Ordeal } from './ordeal.ts';
import { launchSubject } from './subject.ts';
import { isBad, describeTrial, summary } from './table.ts';
import { tryOrdeal, type Arena, type Trial } from './trial.ts';

/** What to try. */
export interface ChaosOptions {
  readonly seed: number;
  /** Indexes of the runs of that seed. */
  readonly indexes: readonly number[];
  /** The host whose daemon is killed; it must be nobody else's. */
  readonly hostName: string;
  /** The pool: `default` is btrfs, `dirpool` copies. */
  readonly storage?: string;
  /** `restart`: every run has `--restart`; `during-restart`: and is killed within 1.5 seconds after its command. */
  readonly aim?: Aim;
  readonly say: (line: string) => void;
}

const aims = ['any', 'restart', 'during-restart'] as const;
type Aim = (typeof aims)[number];

const chosen = (aim: Aim, seed: number, index: number): Ordeal =>
  aim === 'during-restart'
    ? restartOrdealOf(seed, index)
    : { ...ordealOf(seed, index), ...(aim === 'restart' ? { restart: true } : {}) };

/** `npm run test:chaos`. Returns the exit status: 0 when nothing was lost, leaked or stuck. */
export const main = async (words: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      runs: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      host: { type: 'string' },
      storage: { type: 'string', default: 'default' },
      aim: { type: 'string', default: 'any' },
    },
  });
  const indexes = values.only === undefined ? [...Array(Number(values.runs)).keys()] : [Number(values.only)];
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const seed = Number(values.seed);
  const aim = aims.find((name) => name === values.aim);
  if (aim === undefined) throw new Error(`--aim is one of ${aims.join(', ')}`);
  // Two runs on one machine would kill each other's daemon.
  const hostName = values.host ?? `ch-${Date.now().toString(36)}`;
  const trials = await chaos({ seed, indexes, hostName, storage: values.storage, aim, say });
  for (const line of summary(seed, trials)) say(line);
  if (values.host === undefined) await takeDown(await bringUp({ name: hostName }));
  return trials.some(isBad) ? 1 : 0;
};

/** Tries the ordeals one after another on one container, which is only replaced when it was lost. */
export const chaos = async ({ seed, indexes, hostName, storage = 'default', aim = 'any', say }: ChaosOptions): Promise<Trial[]> => {
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
  let fresh = false;
  try {
    for (const index of indexes) {
      if (!fresh) await launchSubject(host, arena.instance, `content-before-${index}`, storage);
      const trial = await tried(arena, chosen(aim, seed, index));
      trials.push(trial);
      fresh = !isBad(trial);
      say(describeTrial(trial));
    }
  } finally {
    await execa('incus', ['delete', '--force', arena.instance], { env: host.env, stdin: 'ignore', reject: false });
    // What went wrong is looked at in the records.
    if (trials.some(isBad)) say(`records: ${arena.stateDirectory}`);
    else await rm(folder, { recursive: true, force: true });
  }
  return trials;
};

/** An instance that cannot even be looked at is lost. */
const tried = async (arena: Arena, ordeal: Ordeal): Promise<Trial> => {
  try {
    return await tryOrdeal(arena, ordeal);
  } catch (failure) {
    const lost = failure instanceof Error ? failure.message.slice(0, 500) : String(failure);
    return {
      ordeal,
      outcome: null,
      struck: true,
      recoveries: 0,
      neededAHand: false,
      lost,
      leaked: [],
      stuck: null,
      next: null,
    };
  }
};
