import { readRun, type RunRecord } from '../journal/runs.ts';
import { keptKey } from '../run/lock/marker.ts';
import { memberEndState } from '../rollout/member-end.ts';
import type { MemberRecord } from '../rollout/record.ts';
import type { RolloutEvent } from '../rollout-event.ts';
import { err, ok, type Result } from '../result.ts';
import { stateDirectoryOf } from './context.ts';
import { recoverInstance } from './recover.ts';
import type { RolloutCall } from './rollout-members.ts';

/** Where an instance stands after its interrupted run was finished, and why. */
interface Recovered {
  readonly state: 'kept' | 'failed' | 'broken' | 'inconclusive' | 'unconfirmed' | 'pending';
  readonly message: string;
}

/** Finishes the run, or the rollback, that was under way on an instance when the rollout's guard died. */
export async function recoverMember(call: RolloutCall, member: MemberRecord): Promise<RolloutEvent> {
  const { context, options } = call;
  const name = member.remote === null ? member.name : `${member.remote}:${member.name}`;
  // Reports are of the runs of this call.
  const { reports: _reports, ...bare } = context;
  const own = {
    project: member.project,
    quiet: true,
    ...(options.config === undefined ? {} : { config: options.config }),
  };
  const status = await recoverInstance(bare, name, own, null);
  if (member.state === 'reverting') return revertAfter(call, member, status);
  const { state, message } = await stateAfter(call, member, status);
  const run = member.run ?? '';
  const ended = { type: 'member-ended', id: member.id, run, state, message, ms: 0 } as const;
  if (state !== 'kept') return { ...ended, outcome: null };
  return { ...ended, outcome: 'kept', ...(member.at === null ? {} : { keptAt: member.at }) };
}

async function stateAfter(call: RolloutCall, member: MemberRecord, status: number): Promise<Recovered> {
  if (status === 20 || status === 21)
    return { state: 'broken', message: 'The interrupted run was rolled back, but the instance is unhealthy.' };
  if (status !== 0)
    return {
      state: 'inconclusive',
      message: `The interrupted run could not be finished: guard recover ended with ${status}.`,
    };
  const record = await readRun(stateDirectoryOf(call.context), member.run ?? '');
  return record?.ended ? recordedEnd(record) : endOnServer(call, member);
}

/** The run's own record tells it. One that was rolled back because guard died says nothing of the change. */
function recordedEnd({ ended, decided }: RunRecord): Recovered {
  const outcome = ended?.outcome;
  if (outcome === undefined) return { state: 'pending', message: '' };
  const wasInterrupted = outcome.outcome === 'rolled-back' && outcome.cause === 'inconclusive' && decided === null;
  if (wasInterrupted) return { state: 'pending', message: '' };
  const state = memberEndState(outcome, false);
  return {
    state: state === 'skipped' ? 'inconclusive' : state,
    message: state === 'kept' ? '' : 'It was not kept before guard was interrupted.',
  };
}

/** Another host has the record. */
async function endOnServer(call: RolloutCall, member: MemberRecord): Promise<Recovered> {
  const kept = await keptOnServer(call, member);
  if (!kept.ok) return { state: 'inconclusive', message: kept.error };
  return { state: kept.value === member.run ? 'kept' : 'pending', message: '' };
}

/** The last run whose change was kept, as the instance itself names it; a restore takes that back. */
async function keptOnServer(
  { servers }: RolloutCall,
  member: MemberRecord,
): Promise<Result<string | undefined, string>> {
  const instance = await servers.of(member).connection.platform.getInstance(member.name);
  return instance.ok ? ok(instance.value.metadata[keptKey]) : err(`It could not be read: ${instance.error.detail}`);
}

async function revertAfter(call: RolloutCall, member: MemberRecord, status: number): Promise<RolloutEvent> {
  const base = { type: 'revert-ended', id: member.id, run: member.revertRun ?? '', lostMs: null } as const;
  const failed = { ...base, state: 'revert-failed', outcome: 'refused' } as const;
  if (status !== 0) return { ...failed, message: `guard recover ended with ${status}.` };
  const end = await revertEnd(call, member);
  if (end.kind === 'unknown') return { ...failed, message: 'It is not known whether its change was rolled back.' };
  if (end.kind === 'reverted') {
    const changedAt = member.at === null ? null : member.at - (member.ms ?? 0);
    const lostMs = changedAt === null ? null : (end.at ?? call.context.clock.now()) - changedAt;
    return { ...base, state: 'reverted', outcome: 'kept', message: '', lostMs };
  }
  // The rollback did not begin, or was itself rolled back: the change is still there.
  return {
    type: 'member-ended',
    id: member.id,
    run: member.run ?? '',
    state: 'kept',
    outcome: 'kept',
    message: '',
    ms: 0,
  };
}

/** How the rollback of a kept change ended; `at`: when, in milliseconds since 1970, where this host has the record of it. */
type RevertEnd = { readonly kind: 'kept' | 'unknown' } | { readonly kind: 'reverted'; readonly at: number | null };

/** By the record of its run or, where another host has that, by the instance itself. */
async function revertEnd(call: RolloutCall, member: MemberRecord): Promise<RevertEnd> {
  const record = await readRun(stateDirectoryOf(call.context), member.revertRun ?? '');
  if (record?.ended) {
    const { outcome, at } = record.ended;
    return outcome.outcome === 'kept' ? { kind: 'reverted', at } : { kind: 'kept' };
  }
  const kept = await keptOnServer(call, member);
  if (!kept.ok) return { kind: 'unknown' };
  const { value: last = '' } = kept;
  if (last === member.run) return { kind: 'kept' };
  // The restore took the note of the change back, to the one of an earlier run if there was one. Ids sort by time.
  const isReverted = last < (member.run ?? '') || last === member.revertRun;
  return isReverted ? { kind: 'reverted', at: null } : { kind: 'unknown' };
}
