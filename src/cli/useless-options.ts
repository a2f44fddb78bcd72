import type { RunOptions } from './run-options.ts';
import { UsageMistake } from './usage.ts';

interface Dependence {
  readonly option: keyof RunOptions;
  readonly flag: string;
  readonly needs: keyof RunOptions;
  readonly needed: string;
}

const dependences: readonly Dependence[] = [
  { option: 'checkTimeout', flag: '--check-timeout', needs: 'check', needed: '--check' },
  { option: 'checkInterval', flag: '--check-interval', needs: 'check', needed: '--check' },
  { option: 'checkRetries', flag: '--check-retries', needs: 'check', needed: '--check' },
  { option: 'checkStartPeriod', flag: '--check-start-period', needs: 'check', needed: '--check' },
  { option: 'hookTimeout', flag: '--hook-timeout', needs: 'hook', needed: '--hook' },
  { option: 'pushOwner', flag: '--push-owner', needs: 'push', needed: '--push' },
];

/** Refuses an option that would change nothing without another one: its user expects an effect. */
export function refuseUselessOptions(options: RunOptions): void {
  const found = dependences.find(({ option, needs }) => options[option] !== undefined && options[needs] === undefined);
  if (found !== undefined)
    throw new UsageMistake(
      `${found.flag} has no effect without ${found.needed}.`,
      `Add ${found.needed}, or leave out ${found.flag}.`,
    );
}

/** The same for options of a rehearsal, which guard.yaml can ask for as well. */
export function refuseRehearsalOptions(options: RunOptions): void {
  const flag =
    options.keepRehearsal === true ? '--keep-rehearsal' : options.allowDrift === true ? '--allow-drift' : null;
  if (flag !== null)
    throw new UsageMistake(`${flag} has no effect without a rehearsal.`, `Add --rehearse, or leave out ${flag}.`);
}
