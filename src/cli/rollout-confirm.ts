import { formatDuration } from '../duration.ts';
import { neutralise } from '../text.ts';
import { writeLines } from '../report/write.ts';
import type { MemberRecord, RolloutRecord } from '../rollout/record.ts';
import type { WaitingMarker } from '../run/confirmation/waiting.ts';
import { refused } from '../run/refusal.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { memberSettings, type RolloutCall } from './rollout-members.ts';
import type { CommonOptions } from './run-options.ts';
import type { Session } from './session.ts';
import { settleAndFinish } from './settle-waiting.ts';
import { waitingRunOf } from './waiting-run.ts';

/** One instance of a rollout whose change waits. */
interface WaitingMember {
  readonly member: MemberRecord;
  readonly session: Session;
  readonly waiting: WaitingMarker;
}

/** The instances of the rollout whose change waits for a confirmation. What cannot be read is not among them. */
export async function waitingMembers(
  call: Pick<RolloutCall, 'context' | 'servers' | 'configuration' | 'options'>,
  { members }: RolloutRecord,
): Promise<readonly WaitingMember[]> {
  const found = await Promise.all(
    members.map(async (member): Promise<WaitingMember | null> => {
      const settings = memberSettings(call, member);
      if (member.run === null || !settings.ok) return null;
      const reached = { ...call.servers.of(member).connection, instance: member.name };
      const session = { reached, settings: settings.value };
      const waiting = await waitingRunOf(call.context, session);
      if (!waiting.ok || waiting.value === null || waiting.value.run !== member.run) return null;
      return { member, session, waiting: waiting.value };
    }),
  );
  return found.filter((one) => one !== null);
}

/** Keeps, or prolongs, every change of the rollout that waits. The exit status is the worst of them. */
export async function confirmRollout(
  call: Pick<RolloutCall, 'context' | 'servers' | 'configuration' | 'options'>,
  record: RolloutRecord,
  options: CommonOptions & { readonly extend?: number },
): Promise<number> {
  const { context } = call;
  const json = options.json ?? false;
  const waiting = (await waitingMembers(call, record)).filter(
    ({ waiting: { confirmation } }) => confirmation.state === 'waiting',
  );
  if (waiting.length === 0)
    return reportOutcome(
      context,
      json,
      refused(
        `No change of rollout ${record.id} waits for a confirmation.`,
        `See \`guard rollout status ${record.id}\`.`,
      ),
    );
  const action =
    options.extend === undefined ? ({ kind: 'confirm' } as const) : ({ kind: 'extend', ms: options.extend } as const);
  const statuses = await Promise.all(
    waiting.map(({ member, session, waiting: one }) =>
      settleAndFinish(withLabel(context, member), session, one, action, { ...options, project: member.project }),
    ),
  );
  const names = neutralise(waiting.map(({ member }) => member.label).join(', '), 1000);
  const worst = Math.max(...statuses);
  if (!json && options.quiet !== true && worst === 0)
    await writeLines(context.stderr, [
      options.extend === undefined
        ? `guard: confirmed: ${names}`
        : `guard: extended by ${formatDuration(options.extend)} from now: ${names}`,
    ]);
  return worst;
}

/** Reports are of the runs of the rollout, and not of this call. */
function withLabel(
  { reports: _reports, ...context }: Context,
  { label, command }: { readonly label: string; readonly command?: readonly string[] },
): Context {
  return { ...context, target: { instance: label, command: command ?? [] } };
}
