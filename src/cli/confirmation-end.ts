import type { Notice } from '../config/notice.ts';
import { readRun } from '../journal/runs.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { createRunNotifier } from './run-notifier.ts';

/** Sends the notifications of a run that its own guard did not end, with what its record says. Returns a sentence for each that failed. */
export async function notifyEnd(context: Context, run: string, notices: readonly Notice[]): Promise<readonly string[]> {
  const record = await readRun(stateDirectoryOf(context), run);
  const { started = null, ended = null, events = [] } = record ?? {};
  if (started === null || ended === null) return [];
  const [first = '', ...rest] = started.command;
  const { instance, project, remote } = started;
  const command = { words: [first, ...rest] as const, environment: {}, user: 0, group: 0, cwd: '/' };
  const notifier = createRunNotifier(context, { run, instance, project, remote, command });
  for (const event of events) notifier.onEvent(event);
  return notifier.notify(notices, ended.outcome);
}
