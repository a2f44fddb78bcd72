import type { Settings } from '../config/settings.ts';
import type { Outcome } from '../event.ts';
import type { Reached } from '../incus/reach.ts';
import type { Context } from './context.ts';
import { endWith } from './end-with.ts';
import type { RunOptions } from './run-options.ts';
import { settingsOf } from './settings-of.ts';

/** An instance that can be spoken to, with what is configured for it. */
export interface Session {
  readonly reached: Reached;
  readonly settings: Settings;
}

/** Reaches the instance, reads its settings, does the work and lets go. What fails before is said, and is the exit status. */
export const withInstance = async (
  context: Context,
  wanted: { readonly instance: string; readonly options: RunOptions; readonly withTerminal: boolean },
  work: (session: Session) => Promise<number>,
): Promise<number> => {
  const { options } = wanted;
  const end = (outcome: Outcome): Promise<number> => endWith(context, options.json ?? false, outcome);
  const reached = await context.reach(wanted.instance, options.project ?? null, context.trace);
  if (!reached.ok) return end({ outcome: 'refused', refusal: reached.error });
  try {
    const { instance: name, remote } = reached.value;
    const settings = await settingsOf(context, { name, remote }, options, wanted.withTerminal);
    return settings.ok ? await work({ reached: reached.value, settings: settings.value }) : await end(settings.error);
  } finally {
    await reached.value.close();
  }
};
