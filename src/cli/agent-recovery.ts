import type { AgentListener, Subject } from '../agent-event.ts';
import type { Place } from '../agent/roster.ts';
import type { Settings } from '../config/settings.ts';
import type { Baseline } from '../health/baseline.ts';
import { lookAtHolder } from '../journal/holder.ts';
import { openJournal } from '../journal/journal.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import { readBaseline, type RunRecord } from '../journal/runs.ts';
import type { Result } from '../result.ts';
import { findRemains, recover, refuseLiving } from '../run/recover.ts';
import { createRecorder } from '../run/recorder.ts';
import { tellAll } from './agent-run.ts';
import { createAftermath } from './aftermath.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { planOf } from './plan-of.ts';

type SettingsOf = (subject: Subject) => Promise<Result<Settings, string>>;

/** Finishes the transactions of a place whose agent has died, each once. What it cannot finish it tells, and tries the next time. */
export const recoveries = (
  context: Context,
  tell: AgentListener,
  settingsOf: SettingsOf,
): ((place: Place) => Promise<void>) => {
  const underWay = new Set<string>();
  return async (place) => {
    const runs = await unfinishedRuns(stateDirectoryOf(context));
    const left = runs.filter((record) => isOf(place, record) && !underWay.has(record.run));
    await Promise.all(
      left.map(async (record) => {
        underWay.add(record.run);
        await recoverOne(context, tell, settingsOf, place, record).finally(() => underWay.delete(record.run));
      }),
    );
  };
};

const isOf = (place: Place, { started }: RunRecord): boolean =>
  started?.transaction !== undefined &&
  started.project === place.project &&
  started.remote === place.remote &&
  lookAtHolder(started.holder) === 'dead';

const recoverOne = async (
  context: Context,
  tell: AgentListener,
  settingsOf: SettingsOf,
  place: Place,
  record: RunRecord,
): Promise<void> => {
  const { clock } = context;
  const { incus, project, remote } = place;
  const { run, started } = record;
  const subject = { instance: started?.instance ?? '', project, remote };
  const warn = (says: string): void => tell({ type: 'agent-warning', ...subject, says: `Run ${run}: ${says}` });
  const settings = await settingsOf(subject);
  if (!settings.ok) return warn(settings.error);
  const reached = { ...place, instance: subject.instance };
  const words = ['true'] as const;
  const plan = planOf({ run, version: context.version, reached, words, settings: settings.value, name: null });
  const remains = await findRemains({ incus, clock }, plan.instance, plan.limits.readyMs);
  if (!remains.ok) return warn('refusal' in remains.error ? remains.error.refusal.says : remains.error.outcome);
  if (refuseLiving({ lookAtHolder }, remains.value, record, false) !== null) return;
  const began = clock.monotonic();
  const aftermath = createAftermath(context, { ...plan, command: { ...plan.command, words: wordsOf(record) } });
  for (const event of record.events) aftermath.hear(event);
  const recorder = createRecorder({
    run,
    clock,
    openStore: () => openJournal({ stateDirectory: stateDirectoryOf(context), run }),
    listener: aftermath.hear,
  });
  await recorder.resume();
  const baseline = (await readBaseline(record)) as Baseline | null;
  const { instance, limits } = plan;
  const outcome = await recover(
    { run, instance, project, remote, limits, record, baseline, keepIfHealthy: true },
    { incus, clock, recorder },
    remains.value,
  );
  await recorder.close();
  const to = { tell, subject, ms: clock.monotonic() - began };
  await tellAll(to, place, plan, { aftermath, outcome, notices: settings.value.notify });
};

const wordsOf = ({ started }: RunRecord): readonly [string, ...string[]] => {
  const [first = '', ...rest] = started?.command ?? [];
  return [first, ...rest];
};
