import { isLost, readRun, type RunRecord } from '../journal/runs.ts';
import { keptKey } from '../run/lock/marker.ts';
import type { Outcome } from '../event.ts';
import { memberEndState } from '../rollout/member-end.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import { waitingMessage, type MemberRecord } from '../rollout/record.ts';
import type { MemberEndState, RolloutEvent } from '../rollout-event.ts';
import { err, ok, type Result } from '../result.ts';
import { stateDirectoryOf } from './context.ts';
import { recoverInstance } from './recover.ts';
import type { RolloutCall } from './rollout-members.ts';

/** Where an instance stands after its interrupted run was finished, and why. */
interface Recovered {
  readonly state: MemberEndState;
  readonly outcome: Outcome['outcome'] | null;
  readonly message: string;
}

/** Why it is not known what became of the run on an instance: one sentence. Nothing may begin there until it is. */
export interface Unrecovered {
  readonly member: MemberRecord;
  readonly message: string;
}

/** Finishes the run, or the rollback, that was under way on an instance when the rollout's guard died. */
export async function recoverMember(
  call: RolloutCall,
  member: MemberRecord,
): Promise<Result<RolloutEvent, Unrecovered>> {
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
  const recovered = await stateAfter(call, member, status);
  if (!recovered.ok) return err({ member, message: recovered.error });
  return ok({ type: 'member-ended', id: member.id, run: member.run ?? '', ...recovered.value, ms: 0 });
}

/** The record of the run knows best, whatever became of its recovery. The error is a sentence. */
async function stateAfter(call: RolloutCall, member: MemberRecord, status: number): Promise<Result<Recovered, string>> {
  const record = await readRun(stateDirectoryOf(call.context), member.run ?? '');
  if (record?.ended && !isLost(record)) return ok(recordedEnd(record));
  if (status === 20)
    return ok({
      state: 'broken',
      outcome: 'rolled-back-not-well',
      message: 'The interrupted run was rolled back, but the instance is unhealthy.',
    });
  if (status === 21)
    return ok({
      state: 'broken',
      outcome: 'rollback-failed',
      message: 'The interrupted run could not be rolled back.',
    });
  if (status !== 0) return err(`guard recover ended with ${status}.`);
  return endOnServer(call, member);
}

/** The run's own record tells it. One that was rolled back because guard died says nothing of the change. */
function recordedEnd({ ended, decided }: RunRecord): Recovered {
  const outcome = ended?.outcome;
  if (outcome === undefined) return { state: 'pending', outcome: null, message: '' };
  const wasInterrupted = outcome.outcome === 'rolled-back' && outcome.cause === 'inconclusive' && decided === null;
  if (wasInterrupted) return { state: 'pending', outcome: null, message: '' };
  const state = memberEndState(outcome, false);
  if (outcome.outcome === 'waiting') return { state, outcome: 'waiting', message: waitingMessage(outcome.deadline) };
  return {
    state,
    outcome: outcome.outcome,
    message: state === 'kept' || state === 'pending' ? '' : 'It was not kept before guard was interrupted.',
  };
}

/** Another host has the record: the instance names the last run whose change was kept. Ids of runs sort by time. */
async function endOnServer(call: RolloutCall, member: MemberRecord): Promise<Result<Recovered, string>> {
  const kept = await keptOnServer(call, member);
  if (!kept.ok && kept.error.kind === 'not-found')
    return ok({ state: 'inconclusive', outcome: null, message: 'It does not exist any more.' });
  if (!kept.ok) return err(`It could not be read: ${kept.error.detail}`);
  const { value: last = '' } = kept;
  if (last > (member.run ?? ''))
    return err(`Run ${last} changed it since then, so it is not known whether the change of the rollout was kept.`);
  const isKept = last === member.run;
  return ok({ state: isKept ? 'kept' : 'pending', outcome: isKept ? 'kept' : null, message: '' });
}

/** The last run whose change was kept, as the instance itself names it; a restore takes that back. */
async function keptOnServer(
  { servers }: RolloutCall,
  member: MemberRecord,
): Promise<Result<string | undefined, PlatformFailure>> {
  const instance = await servers.of(member).connection.platform.getInstance(member.name);
  return instance.ok ? ok(instance.value.metadata[keptKey]) : instance;
}

async function revertAfter(
  call: RolloutCall,
  member: MemberRecord,
  status: number,
): Promise<Result<RolloutEvent, Unrecovered>> {
  const base = { type: 'revert-ended', id: member.id, run: member.revertRun ?? '', lostMs: null } as const;
  if (status === 20 || status === 21) {
    const outcome = status === 20 ? 'rolled-back-not-well' : 'rollback-failed';
    return ok({ ...base, state: 'revert-failed', outcome, message: `guard recover ended with ${status}.` });
  }
  if (status !== 0) return err({ member, message: `guard recover ended with ${status}.` });
  const end = await revertEnd(call, member);
  // A later change may be in place by now: another rollback would take it back.
  if (end.kind === 'unknown') return err({ member, message: 'It is not known whether its change was rolled back.' });
  if (end.kind === 'reverted') {
    const { changedAt } = member;
    const lostMs = changedAt === null ? null : Math.max(0, (end.at ?? call.context.clock.now()) - changedAt);
    return ok({ ...base, state: 'reverted', outcome: 'kept', message: '', lostMs });
  }
  // The rollback did not begin, or was itself rolled back: the change is still there.
  const kept = { run: member.run ?? '', state: 'kept', outcome: 'kept', message: '', ms: member.ms ?? 0 } as const;
  return ok({ type: 'member-ended', id: member.id, ...kept });
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
