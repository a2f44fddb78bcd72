import { Writable } from 'node:stream';
import type { AgentListener, Subject } from '../agent-event.ts';
import type { ServerProject } from '../agent/instance-watcher.ts';
import type { Settings } from '../config/settings.ts';
import { inspectHolder } from '../journal/holder.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import { isLost, readRun, type RunRecord } from '../journal/runs.ts';
import type { Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { warnUsers } from './agent-run.ts';
import { createRunNotifier } from './run-notifier.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { buildPlan } from './build-plan.ts';
import { recoverInstance } from './recover.ts';
import { workOn } from './recover-rehearsal.ts';

/** What the agent was started with, as far as a recovery needs it. */
interface RecoveryTools {
  readonly emit: AgentListener;
  readonly settings: (subject: Subject) => Promise<Result<Settings, string>>;
  readonly config: string | null;
}

/** Finishes the transactions of a place whose agent has died, and removes the copies of ended rehearsals, each once. What it cannot finish it tells, and tries the next time. */
export function recoveries(context: Context, tools: RecoveryTools): (serverProject: ServerProject) => Promise<void> {
  const underWay = new Set<string>();
  return async (serverProject) => {
    const runs = await unfinishedRuns(stateDirectoryOf(context));
    const left = runs.filter((record) => isOf(serverProject, record) && !underWay.has(record.run));
    await Promise.all(
      left.map(async (record) => {
        underWay.add(record.run);
        await recoverOne(context, tools, serverProject, record).finally(() => underWay.delete(record.run));
      }),
    );
  };
}

function isOf(serverProject: ServerProject, record: RunRecord): boolean {
  const { started } = record;
  if (started?.project !== serverProject.project || started.remote !== serverProject.remote) return false;
  // Of a rehearsal no record says that it was for a transaction: of all of them only the copy is left.
  if (started.rehearsal !== undefined) return workOn(record) === 'over';
  return started.transaction !== undefined && (isLost(record) || inspectHolder(started.holder) !== 'alive');
}

/** As `guard recover` does it; what that says is only told where it came to no end. */
async function recoverOne(
  context: Context,
  { emit, settings, config }: RecoveryTools,
  serverProject: ServerProject,
  record: RunRecord,
): Promise<void> {
  const { clock } = context;
  const { project, remote } = serverProject;
  const instance = record.started?.instance ?? '';
  const subject = { instance, project, remote };
  const began = clock.monotonic();
  const tail: OutputTail = { text: '' };
  const output = listening(tail);
  const options = { project, quiet: true, ...(config === null ? {} : { config }) };
  const name = remote === null ? instance : `${remote}:${instance}`;
  await recoverInstance({ ...context, stdout: output, stderr: output }, name, options, record);
  const after = await readRun(stateDirectoryOf(context), record.run);
  if (record.started?.rehearsal !== undefined) {
    if (after === null || after.copyRemoved) return;
    const message = `The copy of rehearsal ${record.run} was not removed: ${neutralise(tail.text.trim(), 1000)}`;
    return emit({ type: 'agent-warning', ...subject, message });
  }
  const found = await settings(subject);
  if (after?.ended == null || !found.ok) {
    const why = found.ok ? neutralise(tail.text.trim(), 1000) : found.error;
    return emit({ type: 'agent-warning', ...subject, message: `Run ${record.run} was not finished: ${why}` });
  }
  const reached = { ...serverProject, instance };
  const words = wordsOf(record);
  const plan = buildPlan({
    run: record.run,
    version: context.version,
    reached,
    words,
    settings: found.value,
    name: null,
  });
  const aftermath = createRunNotifier(context, plan);
  for (const event of after.events) aftermath.onEvent(event);
  const to = { emit, subject, ms: clock.monotonic() - began };
  await warnUsers(to, serverProject, plan, { aftermath, outcome: after.ended.outcome, notices: found.value.notify });
}

interface OutputTail {
  text: string;
}

function listening(tail: OutputTail): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      tail.text = `${tail.text}${chunk.toString('utf8')}`.slice(-2000);
      done();
    },
  });
}

function wordsOf({ started }: RunRecord): readonly [string, ...string[]] {
  const [first = '', ...rest] = started?.command ?? [];
  return [first, ...rest];
}
