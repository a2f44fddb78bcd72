import type { Clock } from '../clock.ts';
import type { Notice, NoticeWay } from '../config/notice.ts';
import { formatDuration } from '../duration.ts';
import type { Cause, Outcome } from '../event.ts';
import { err, ok, type Result } from '../result.ts';
import { runOnHost } from '../health/checks/kinds/host-process.ts';

/** The message about a run, as JSON. */
export interface Message {
  readonly v: 1;
  readonly run: string;
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  /** The host that guard ran on. */
  readonly host: string;
  readonly outcome: Outcome['outcome'];
  readonly cause: Cause | null;
  readonly exitStatus: number;
  /** The end of the run in sentences, one a line. Control characters are neutralised already. */
  readonly message: string;
  readonly command: readonly string[];
  /** How many consecutive runs of this instance were not kept, including this one. The tenth must not look like the first (F42). */
  readonly consecutiveFailures: number;
  readonly ms: number;
}

/**
 * Sends all notifications for this outcome at the same time, each within its own limit. Returns one sentence for each
 * that failed. Failures have no other effect.
 */
export async function sendNotices(
  notices: readonly Notice[],
  message: Message,
  clock: Clock,
): Promise<readonly string[]> {
  const wanted = notices.filter(({ on }) => on.includes(message.outcome));
  const ends = await Promise.all(wanted.map((notice) => tell(notice, message, clock)));
  return ends.flatMap((end) => (end.ok ? [] : [end.error]));
}

async function tell({ how, timeoutMs }: Notice, message: Message, clock: Clock): Promise<Result<void, string>> {
  const over = new AbortController();
  const limit = clock.sleep(timeoutMs, over.signal).then(() => {
    over.abort();
    return err(`it took longer than ${formatDuration(timeoutMs)}`);
  });
  const sent = await Promise.race([send(how, `${JSON.stringify(message)}\n`, clock, over.signal), limit]);
  over.abort();
  return sent.ok ? sent : err(`${describeTarget(how)} could not be notified: ${sent.error}.`);
}

function send(how: NoticeWay, text: string, clock: Clock, signal: AbortSignal): Promise<Result<void, string>> {
  switch (how.kind) {
    case 'command':
      return runCommand(how.words, text, clock, signal);
    case 'webhook':
      return post(how, text, signal);
  }
}

async function runCommand(
  command: Extract<NoticeWay, { kind: 'command' }>['words'],
  input: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  const ended = await runOnHost({ command, environment: {}, clock, signal, maxBytes: 1000, input });
  if (!ended.ok) return ended;
  return ended.value.status === 0 ? ok(undefined) : err(`it ended with status ${ended.value.status}`);
}

async function post(
  { url, headers }: Extract<NoticeWay, { kind: 'webhook' }>,
  body: string,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      signal,
    });
    await answer.body?.cancel();
    return answer.ok ? ok(undefined) : err(`it answered with status ${answer.status}`);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return err(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Without the path, because a URL may contain a secret. */
function describeTarget(how: NoticeWay): string {
  return how.kind === 'webhook' ? `The webhook at ${new URL(how.url).host}` : `The command ${how.words[0]}`;
}
