import type { Finding, Verdict } from '../event.ts';
import type { Baseline } from './baseline.ts';
import type { AskContext } from './look.ts';

/** How long to watch, in milliseconds. */
export interface WatchSettings {
  /** From the call until everything required must hold. */
  readonly limitMs: number;
  /** How long it must then go on holding; 0 for one good look. */
  readonly soakMs: number;
  /** The instance was restarted since the baseline. */
  readonly restarted?: boolean;
}

/** What the watch tells on its way: what it still waits for, and since when all has been well. */
export type WatchProgress = (waitingFor: readonly Finding[], healthyForMs: number) => void;

/** Looks at the instance until everything required holds, and then whether it goes on to hold. */
export const watch = (
  context: AskContext,
  baseline: Baseline,
  settings: WatchSettings,
  onProgress: WatchProgress,
): Promise<Verdict> => {
  void context;
  void baseline;
  void settings;
  void onProgress;
  throw new Error('not written yet');
};
