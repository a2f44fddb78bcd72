import type { ExecCheck } from '../../../check-definition.ts';
import type { ExecResult } from '../../../platform/platform.ts';
import { afterColon, answerOfFailure, failed, lastWords, notAsked, passed, type KindAnswer } from '../answer.ts';
import type { KindTools } from './tools.ts';

/** Runs the command inside: status 0 passes. */
export async function askExec(check: ExecCheck, tools: KindTools): Promise<KindAnswer> {
  const answer = await tools.platform.query(tools.instance, {
    command: check.command,
    environment: check.environment,
    user: check.user,
    cwd: check.cwd,
    limitMs: check.timeoutMs,
    maxBytes: mostOutputBytes,
    signal: tools.signal,
    // A check is asked again and again anyway.
    readOnly: true,
  });
  return answer.ok ? answerOfStatus(answer.value) : answerOfFailure(answer.error, check.timeoutMs);
}

/** What is kept of a check's output: only its last line is shown. */
export const mostOutputBytes = 64 * 1024;

/** As shells have it: 127 not found, 126 not executable, which says nothing about health. */
export function answerOfStatus(answer: Pick<ExecResult, 'status' | 'stdout' | 'stderr'>): KindAnswer {
  const words = afterColon(lastWords(answer));
  switch (answer.status) {
    case 0:
      return passed(`exit status 0${words}`);
    case 126:
      return notAsked(`the command cannot be executed (126)${words}`);
    case 127:
      return notAsked(`the command was not found (127)${words}`);
    default:
      return failed(`exit status ${answer.status}${words}`);
  }
}
