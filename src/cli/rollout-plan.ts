import { newRunId } from '../journal/run-id.ts';
import { rolloutPlanLines } from '../report/rollout-text.ts';
import { writeLines } from '../report/write.ts';
import { foldRollout } from '../rollout/record.ts';
import { currentHolder } from '../journal/holder.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { admit, chooseMembers, planMembers } from './rollout-run.ts';
import type { RolloutOptions } from './rollout-options.ts';
import { createServers } from './rollout-servers.ts';

/** `guard plan` for several instances: which of them would change in which wave. Changes nothing. */
export async function planRollout(
  context: Context,
  request: {
    readonly instances: readonly string[];
    readonly words: readonly [string, ...string[]];
    readonly options: RolloutOptions;
  },
): Promise<number> {
  const { options, words } = request;
  const servers = createServers(context);
  try {
    const chosen = await chooseMembers(context, servers, request);
    if (!chosen.ok) return await reportOutcome(context, options.json ?? false, chosen.error);
    const { call, settings, members } = chosen.value;
    const admitted = await admit(call, members, options);
    if (typeof admitted === 'number') return admitted;
    const planned = planMembers(admitted, settings);
    const record = foldRollout([
      {
        v: 1,
        rollout: newRunId(context.clock.now()),
        at: context.clock.now(),
        type: 'rollout-started',
        version: context.version,
        command: words,
        options: [],
        members: planned,
        holder: currentHolder(),
      },
    ]);
    await writeLines(
      context.stdout,
      options.json === true
        ? [JSON.stringify({ command: words, settings, members: planned })]
        : rolloutPlanLines(words, record?.members ?? [], settings),
    );
    return 0;
  } finally {
    await servers.close();
  }
}
