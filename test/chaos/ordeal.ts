import { randomOf, type Random } from './random.ts';

/**
 * What the ordeals of a seed are. `restart`: every run has `--restart`; `during-restart`: and is killed within 1.5 seconds after
 * its command; `world`: troubles other than kills, of several hosts (world.ts).
 */
export const aims = ['any', 'restart', 'during-restart', 'world'] as const;
export type Aim = (typeof aims)[number];

/** What the command does before it ends. */
export type Change = 'good' | 'fails' | 'fails-halfway' | 'unhealthy';
export type Victim = 'guard' | 'daemon' | 'both';

/** When to strike: a time after a phase of the run, or a recovery, has said that it begins. */
export interface Strike {
  readonly victim: Victim;
  /** Null counts from the start of guard. */
  readonly phase: string | null;
  readonly afterMs: number;
  /** How long a killed daemon stays away. */
  readonly awayMs: number;
}

/** All that chance decides of one run. */
export interface Ordeal {
  readonly index: number;
  readonly change: Change;
  /** Milliseconds between two files that the command writes. */
  readonly paceMs: number;
  readonly strike: Strike;
  /** One for each recovery that is itself interrupted, in order. */
  readonly recoveryStrikes: readonly Strike[];
  /** The records of the run are lost with its host: recovery has only what is on the server. */
  readonly recordLost: boolean;
  /** The run has a check of its own. Without one its restore point is taken while the instance is still looked at. */
  readonly checked: boolean;
  /** The instance is restarted before the verdict (`--restart`): strikes then meet one that stops or starts. */
  readonly restart: boolean;
}

/** The ordeal of one index of a seed: always the same one. */
export const ordealOf = (seed: number, index: number): Ordeal => {
  const random = randomOf(seed, index);
  const change = random.oneOf<Change>(['good', 'good', 'good', 'fails', 'fails-halfway', 'fails-halfway', 'unhealthy']);
  const paceMs = random.below(60);
  const strike = strikeOf(random, change === 'good' ? phasesOfKept : phasesOfRolledBack);
  const interrupted = random.chance(0.4) ? 1 + random.below(2) : 0;
  return {
    index,
    change,
    paceMs,
    strike,
    recoveryStrikes: Array.from({ length: interrupted }, () => strikeOf(random, phasesOfRecovery)),
    recordLost: random.chance(0.08),
    // Nothing else sees what this change breaks.
    checked: random.chance(0.4) || change === 'unhealthy',
    restart: random.chance(0.4),
  };
};

/** A guard that is killed while the instance restarts after a good change, 100 to 1500 ms after the command, and recovered at once. */
export const restartOrdealOf = (seed: number, index: number): Ordeal => ({
  index,
  change: 'good',
  paceMs: 0,
  strike: { victim: 'guard', phase: 'verify', afterMs: 100 + randomOf(seed, index).below(1400), awayMs: 0 },
  recoveryStrikes: [],
  recordLost: false,
  checked: true,
  restart: true,
});

const phasesOfKept = ['baseline', 'restore-point', 'command', 'command', 'verify', 'keep'] as const;
const phasesOfRolledBack = ['restore-point', 'command', 'stop', 'restore', 'restore', 'start', 'verify-again'] as const;
const phasesOfRecovery = ['stop', 'restore', 'start', 'verify-again'] as const;

const strikeOf = (random: Random, phases: readonly string[]): Strike => {
  const victim = random.oneOf<Victim>(['guard', 'guard', 'daemon', 'both']);
  // Some phases are over in milliseconds: half of the strikes aim at one of them, the rest at any time.
  const aimed = random.chance(0.6);
  return {
    victim,
    phase: aimed ? random.oneOf(phases) : null,
    afterMs: random.below(aimed ? 250 : 5000),
    awayMs: random.below(3000),
  };
};
