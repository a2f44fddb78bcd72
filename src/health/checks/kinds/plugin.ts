import type { PluginCheck } from '../../../check-definition.ts';
import { err, type Result } from '../../../result.ts';
import { answerOfFailure, failed, lastWords, notAsked, passed, type KindAnswer } from '../answer.ts';
import { mostOutputBytes } from './exec.ts';
import { runForCheck } from './host.ts';
import type { KindTools } from './tools.ts';

interface PluginOutput {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a monitoring plugin (https://www.monitoring-plugins.org/doc/guidelines.html) and reads its status. */
export async function askPlugin(check: PluginCheck, tools: KindTools): Promise<KindAnswer> {
  const output = await (check.where === 'host'
    ? runForCheck(check.command, check.environment ?? {}, tools)
    : runInside(check, tools));
  return output.ok ? judged(check, output.value) : output.error;
}

async function runInside(check: PluginCheck, tools: KindTools): Promise<Result<PluginOutput, KindAnswer>> {
  const answer = await tools.platform.query(tools.instance, {
    command: check.command,
    limitMs: check.timeoutMs,
    maxBytes: mostOutputBytes,
    signal: tools.signal,
    // A check is asked again and again anyway.
    readOnly: true,
  });
  return answer.ok ? answer : err(answerOfFailure(answer.error, check.timeoutMs));
}

function judged(check: PluginCheck, output: PluginOutput): KindAnswer {
  const message = statusLine(output);
  switch (output.status) {
    case 0:
      return passed(`ok: ${message}`);
    case 1:
      return check.warning === 'passed' ? passed(`warning: ${message}`) : failed(`warning: ${message}`);
    case 2:
      return failed(`critical: ${message}`);
    case 3:
      return notAsked(`unknown: ${message}`);
    default:
      return notAsked(`status ${output.status} is not a status of a monitoring plugin: ${message}`);
  }
}

/** The first line, without the numbers for graphs behind `|`. */
function statusLine(output: PluginOutput): string {
  const line = output.stdout.trimStart().split('\n')[0]?.split('|')[0]?.trim() ?? '';
  return line || lastWords(output) || 'it wrote no output';
}
