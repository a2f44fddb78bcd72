import { Writable } from 'node:stream';
import type { AgentListener, Subject } from '../agent-event.ts';
import type { Place } from '../agent/roster.ts';
import type { Settings } from '../config/settings.ts';
import { lookAtHolder } from '../journal/holder.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import type { Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { tellAll } from './agent-run.ts';
import { createAftermath } from './aftermath.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { planOf } from './plan-of.ts';
import { recoverInstance } from './recover.ts';

/** What the agent was started with, as far as a recovery needs it. */
interface RecoveryTools {
  readonly tell: AgentListener;
  readonly settings: (subject: Subject) => Promise<Result<Settings, string>>;
  readonly config: string | null;
}

/** Finishes the transactions of a place whose agent has died, each once. What it cannot finish it tells, and tries the next time. */
export function recoveries(context: Context, tools: RecoveryTools): (place: Place) => Promise<void> {
  const underWay = new Set<string>();
  return async (place) => {
    const runs = await unfinishedRuns(stateDirectoryOf(context));
    const left = runs.filter((record) => isOf(place, record) && !underWay.has(record.run));
    await Promise.all(
      left.map(async (record) => {
        underWay.add(record.run);
        await recoverOne(context, tools, place, record).finally(() => underWay.delete(record.run));
      }),
    );
  };
}

function isOf(place: Place, { started }: RunRecord): boolean {
  return (
    started?.transaction !== undefined &&
    started.project === place.project &&
    started.remote === place.remote &&
    lookAtHolder(started.holder) === 'dead'
  );
}

/** As `guard recover` does it; what that says is only told where it came to no end. */
async function recoverOne(
  context: Context,
  { tell, settings, config }: RecoveryTools,
  place: Place,
  record: RunRecord,
): Promise<void> {
  const { clock } = context;
  const { project, remote } = place;
  const instance = record.started?.instance ?? '';
  const subject = { instance, project, remote };
  const began = clock.monotonic();
  const said: Said = { text: '' };
  const output = listening(said);
  const options = { project, quiet: true, keepIfHealthy: true, ...(config === null ? {} : { config }) };
  const name = remote === null ? instance : `${remote}:${instance}`;
  await recoverInstance({ ...context, stdout: output, stderr: output }, name, options, record);
  const after = await readRun(stateDirectoryOf(context), record.run);
  const found = await settings(subject);
  if (after?.ended == null || !found.ok) {
    const why = found.ok ? neutralise(said.text.trim(), 1000) : found.error;
    return tell({ type: 'agent-warning', ...subject, says: `Run ${record.run} is not finished: ${why}` });
  }
  const reached = { ...place, instance };
  const words = wordsOf(record);
  const plan = planOf({ run: record.run, version: context.version, reached, words, settings: found.value, name: null });
  const aftermath = createAftermath(context, plan);
  for (const event of after.events) aftermath.hear(event);
  const to = { tell, subject, ms: clock.monotonic() - began };
  await tellAll(to, place, plan, { aftermath, outcome: after.ended.outcome, notices: found.value.notify });
}

interface Said {
  text: string;
}

function listening(said: Said): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      said.text = `${said.text}${chunk.toString('utf8')}`.slice(-2000);
      done();
    },
  });
}

function wordsOf({ started }: RunRecord): readonly [string, ...string[]] {
  const [first = '', ...rest] = started?.command ?? [];
  return [first, ...rest];
}
