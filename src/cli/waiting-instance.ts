import { Writable } from 'node:stream';
import type { AgentListener, Subject } from '../agent-event.ts';
import type { Deadline } from '../deadline.ts';
import type { RunRecord } from '../journal/runs.ts';
import { noteWaiting, type WaitingNote } from '../journal/waiting-runs.ts';
import { describeFailure } from '../platform/failure.ts';
import { neutralise } from '../text.ts';
import { formatTime } from '../time.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { findInstance, recordRename, type InstancePlace } from './present-name.ts';
import { withInstance, type Session } from './session.ts';

/** What reaching an instance needs of the keeper. */
interface InstanceOptions {
  readonly emit?: AgentListener;
  /** The guard.yaml for runs whose guard had no `--config`. */
  readonly config?: string | undefined;
}

/** A run that waits, and where its instance is. */
export interface WaitingRun {
  readonly run: string;
  /** Null where it cannot be read: the instance says everything that a rollback needs. */
  readonly record: RunRecord | null;
  readonly address: Subject & { readonly uuid: string | null };
  readonly note: WaitingNote | null;
}

export function addressOf(record: RunRecord | null, note: WaitingNote | null): WaitingRun['address'] | null {
  const found = record?.started ?? note;
  return found === null ? null : { ...subjectOf(found), uuid: found.uuid ?? null };
}

export function subjectOf({ instance, project, remote }: Subject): Subject {
  return { instance, project, remote };
}

/** Why there is nothing to work on. */
export type Trouble = { readonly kind: 'missing' } | { readonly kind: 'unreachable'; readonly message: string };

export function describeTrouble(trouble: Trouble, { run, address }: WaitingRun, deadline: Deadline | null): string {
  const { instance } = address;
  const until = deadline === null ? '' : ` at its deadline, ${formatTime(deadline.at)}`;
  return trouble.kind === 'missing'
    ? `Run ${run} waits for a confirmation, and its instance ${instance} does not exist any more under any name in project ${address.project}. If somebody moved it, move it back: guard rolls it back${until}. If somebody deleted it, nothing is to be done: the run then ends.`
    : `Run ${run} waits for a confirmation, and its instance ${instance} cannot be reached, so guard cannot roll it back${until}. guard keeps trying. ${trouble.message}`;
}

/** Works on the instance, under the name that it has by now. Null, or why there was nothing to work on. */
export async function withInstanceOf(
  context: Context,
  options: InstanceOptions,
  waiting: WaitingRun,
  work: (session: Session, waiting: WaitingRun) => Promise<void>,
): Promise<Trouble | null> {
  const { note, address } = waiting;
  const tail = { text: '' };
  let trouble: Trouble | null = { kind: 'unreachable', message: '' };
  let name: string | null = null;
  const own = { instance: nameOf(address), options: optionsOf(options, note, address), withTerminal: false };
  await withInstance(listening(contextOf(context, note), tail), own, async (session) => {
    const { platform, instance } = session.reached;
    const found = await findInstance(platform, instance, address.uuid);
    trouble = troubleOf(found);
    if (found.place === 'renamed') name = found.name;
    if (found.place === 'there') await work(session, waiting);
    return 0;
  });
  if (name !== null) return withRenamed(context, options, waiting, name, work);
  const message = neutralise(tail.text.trim(), 1000);
  return (trouble as Trouble | null)?.kind === 'unreachable' && message !== ''
    ? { kind: 'unreachable', message }
    : trouble;
}

function troubleOf(found: InstancePlace): Trouble | null {
  switch (found.place) {
    case 'there':
    case 'renamed':
      return null;
    case 'missing':
      return { kind: 'missing' };
    case 'unknown':
      return { kind: 'unreachable', message: describeFailure(found.failure) };
  }
}

/** The record and the note get the present name, so this happens once for each rename. */
async function withRenamed(
  context: Context,
  options: InstanceOptions,
  waiting: WaitingRun,
  instance: string,
  work: (session: Session, waiting: WaitingRun) => Promise<void>,
): Promise<Trouble | null> {
  const { run, note, address } = waiting;
  const state = stateDirectoryOf(context);
  const message = `Run ${run} waits for a confirmation, and somebody renamed its instance ${address.instance} to ${instance}. guard follows it.`;
  options.emit?.({ type: 'agent-warning', ...subjectOf(address), message });
  const record = await recordRename(context, run, instance);
  const renamed = note === null ? null : { ...note, instance };
  if (renamed !== null) await noteWaiting(state, run, renamed);
  return withInstanceOf(
    context,
    options,
    { ...waiting, record, note: renamed, address: { ...address, instance } },
    work,
  );
}

/** guard.yaml is searched for where the run searched for it. */
export function contextOf(context: Context, note: WaitingNote | null): Context {
  return note === null ? context : { ...context, workingDirectory: note.workingDirectory };
}

export function listening(context: Context, tail: { text: string }): Context {
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      tail.text = `${tail.text}${chunk.toString('utf8')}`.slice(-2000);
      done();
    },
  });
  return { ...context, stdout: output, stderr: output };
}

export function optionsOf({ config }: InstanceOptions, note: WaitingNote | null, { project }: Subject) {
  const chosen = note?.config ?? config;
  return { project, tolerateMistakes: true, ...(chosen === undefined ? {} : { config: chosen }) };
}

export function nameOf({ instance, remote }: Subject): string {
  return remote === null ? instance : `${remote}:${instance}`;
}
