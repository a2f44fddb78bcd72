import type { Aim, Ordeal, Strike } from './ordeal.ts';
import type { Trial } from './trial.ts';
import { describeTrouble, type WorldOrdeal } from './world.ts';

/** Whether a trial shows a fault of guard. */
export const isBad = ({ lost, leaked, stuck, withoutCause }: Trial): boolean =>
  lost !== null || leaked.length > 0 || stuck !== null || withoutCause;

/** One line for one trial. */
export const describeTrial = (trial: Trial): string => {
  const { ordeal } = trial;
  const faults = [
    trial.lost === null ? '' : `LOST: ${trial.lost}`,
    trial.leaked.length === 0 ? '' : `LEAKED: ${trial.leaked.join(', ')}`,
    trial.stuck === null ? '' : `STUCK: ${trial.stuck}`,
    trial.withoutCause ? '21 OR 30 WITHOUT CAUSE' : trial.neededAHand ? 'needed a hand' : '',
    trial.next === null ? '' : `the next run ended with ${trial.next}`,
  ].filter((fault) => fault !== '');
  const strikes = [ordeal.strike, ...ordeal.recoveryStrikes].map(describeStrike).join('; recover: ');
  const how = `${ordeal.change}, ${isOfWorld(ordeal) ? `${describeTrouble(ordeal)} ` : ''}${strikes}${ordeal.restart ? ', --restart' : ''}${ordeal.checked ? '' : ', no check'}${ordeal.recordLost ? ', record lost' : ''}`;
  const end = trial.outcome ?? 'never began';
  return `${String(ordeal.index).padStart(4)}  ${end.padEnd(20)} ${how}${faults.length === 0 ? '' : `  ${faults.join('; ')}`}`;
};

const isOfWorld = (ordeal: Ordeal | WorldOrdeal): ordeal is WorldOrdeal => 'trouble' in ordeal;

const describeStrike = ({ victim, phase, afterMs }: Strike): string =>
  `${victim} ${afterMs} ms after ${phase ?? 'start'}`;

/** The trials whose own record says how they ended. */
const known = (trials: readonly Trial[]): Trial[] => trials.filter(({ ordeal }) => !ordeal.recordLost);

/** How many trials each trouble had, and how many showed a fault. */
const byTrouble = (trials: readonly Trial[]): string[] => {
  const counts = new Map<string, { trials: number; bad: number }>();
  for (const trial of trials) {
    if (!isOfWorld(trial.ordeal)) continue;
    const { trouble, act } = trial.ordeal;
    const name = act === null ? trouble : `a user ${act}`;
    const count = counts.get(name) ?? { trials: 0, bad: 0 };
    counts.set(name, { trials: count.trials + 1, bad: count.bad + Number(isBad(trial)) });
  }
  return [...counts].map(
    ([name, count]) => `${name.padEnd(34)} ${String(count.trials).padStart(5)}, bad: ${count.bad}`,
  );
};

/** The table at the end. */
export const summary = (seed: number, trials: readonly Trial[], aim: Aim): string[] => {
  const ended = (outcome: string): number => known(trials).filter((trial) => trial.outcome === outcome).length;
  const usual = ['kept', 'rolled-back', 'rolled-back-not-well', 'refused'];
  const rows: [string, number][] = [
    ['runs', trials.length],
    ['struck while something lived', trials.filter(({ struck }) => struck).length],
    ['kept', ended('kept')],
    ['rolled back', ended('rolled-back')],
    ['rolled back, not well', ended('rolled-back-not-well')],
    ['refused, nothing was changed', ended('refused')],
    ['ended before there was a record', known(trials).filter(({ outcome }) => outcome === null).length],
    ['recovered without their records', trials.length - known(trials).length],
    ['other outcomes', known(trials).filter(({ outcome }) => outcome !== null && !usual.includes(outcome)).length],
    ['with --restart', trials.filter(({ ordeal }) => ordeal.restart).length],
    ['ended by 21 or 30 in a recovery', trials.filter(({ neededAHand }) => neededAHand).length],
    ['of these without cause', trials.filter(({ withoutCause }) => withoutCause).length],
    ['lost', trials.filter(({ lost }) => lost !== null).length],
    ['leaked restore points', trials.reduce((sum, { leaked }) => sum + leaked.length, 0)],
    ['next run rolled back or refused again', trials.filter(({ next }) => next !== null).length],
    ['stuck locks', trials.filter(({ stuck }) => stuck !== null).length],
  ];
  return [
    '',
    ...rows.map(([name, count]) => `${name.padEnd(34)} ${String(count).padStart(5)}`),
    ...byTrouble(trials),
    `${'seed'.padEnd(34)} ${String(seed).padStart(5)}`,
    ...trials
      .filter(isBad)
      .map(({ ordeal }) => `repeat: npm run test:chaos -- --seed ${seed} --aim ${aim} --only ${ordeal.index}`),
  ];
};
