import { defaultSettings } from '../config/defaults.ts';
import type { Settings } from '../config/settings.ts';
import type { Outcome } from '../event.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { explainMissing } from '../run/missing-instance.ts';
import type { Context } from './context.ts';
import { localClient } from './local-client.ts';
import { reportOutcome } from './report-outcome.ts';
import type { RunOptions } from './run-options.ts';
import { warnOfNearBlocks } from './near-blocks.ts';
import { usage, UsageMistake } from './usage.ts';
import { isPattern, parseWish } from '../rollout/wish.ts';
import { neutralise } from '../text.ts';
import { readConfiguration, settingsWith } from './resolve-settings.ts';

/** A mistake in guard.yaml, which somebody made meanwhile, must not keep a rollback that is due from its instance. */
export interface ToleratedMistakes {
  readonly tolerateMistakes?: boolean;
}

/** What is asked for. */
export interface SessionRequest {
  readonly instance: string;
  readonly options: RunOptions & ToleratedMistakes;
  /** Somebody sits there: other defaults. */
  readonly withTerminal: boolean;
}

/** An instance that can be spoken to, with what is configured for it. */
export interface Session {
  readonly reached: InstanceConnection;
  readonly settings: Settings;
}

/** The same with an instance that is there: where it is not, that is said before anything else. */
export function withExisting(
  context: Context,
  wanted: SessionRequest,
  work: (session: Session) => Promise<number>,
): Promise<number> {
  return withInstance(context, wanted, async (session) => {
    const { platform, instance } = session.reached;
    const seen = await platform.getInstance(instance);
    if (seen.ok) return work(session);
    return reportOutcome(
      context,
      wanted.options.json ?? false,
      await explainMissing(platform, session.reached, seen.error),
    );
  });
}

/** Connects to the instance, reads its settings, does the work and disconnects. An earlier failure is reported as the outcome. */
export async function withInstance(
  context: Context,
  wanted: SessionRequest,
  work: (session: Session) => Promise<number>,
): Promise<number> {
  const { options } = wanted;
  const end = (outcome: Outcome): Promise<number> => reportOutcome(context, options.json ?? false, outcome);
  const mistake = mistakeInName(wanted.instance, localClient(context));
  if (mistake !== null) return end(usage(mistake));
  const reached = await context.reach(wanted.instance, options.project ?? null, context.trace);
  if (!reached.ok) return end({ outcome: 'refused', refusal: reached.error });
  try {
    const { instance: name, remote } = reached.value;
    const configuration = await readConfiguration(context, options);
    const settings = configuration.ok
      ? settingsWith(configuration.value, { name, remote }, options, wanted.withTerminal)
      : configuration;
    if (!settings.ok) {
      if (options.tolerateMistakes !== true) return await end(settings.error);
      return await work({ reached: reached.value, settings: defaultSettings });
    }
    if (options.json !== true && configuration.ok) await warnOfNearBlocks(context, configuration.value, reached.value);
    return await work({ reached: reached.value, settings: settings.value });
  } finally {
    await reached.value.close();
  }
}

/** What cannot name one instance; null where it may. */
function mistakeInName(text: string, client: string): UsageMistake | null {
  const shown = neutralise(text, 100);
  const { pattern } = parseWish(text);
  if (isPattern(pattern) || text.startsWith('@'))
    return new UsageMistake(
      `"${shown}" can mean several instances, and this command needs one.`,
      `Name one instance. \`${client} list\` shows them.`,
    );
  if (/[/\s]/.test(pattern))
    return new UsageMistake(
      `"${shown}" cannot be the name of an instance.`,
      `Names have letters, digits and hyphens. \`${client} list\` shows those of the instances.`,
    );
  return null;
}
