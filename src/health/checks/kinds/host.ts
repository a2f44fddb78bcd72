import type { HostCheck, Words } from '../../../check-definition.ts';
import { err, ok, type Result } from '../../../result.ts';
import { fillAddress } from '../address.ts';
import { notAsked, type KindAnswer } from '../answer.ts';
import { answerOfStatus, mostOutputBytes } from './exec.ts';
import { runOnHost, type HostAnswer } from './host-process.ts';
import type { KindTools } from './tools.ts';

/** Runs the command on the machine that runs guard: status 0 passes. */
export async function askHost(check: HostCheck, tools: KindTools): Promise<KindAnswer> {
  const answer = await runForCheck(check.command, check.environment, tools);
  return answer.ok ? answerOfStatus(answer.value) : answer.error;
}

/** Runs a check's command on this machine, with the instance's address and name filled in. */
export async function runForCheck(
  command: Words,
  environment: Readonly<Record<string, string>>,
  tools: KindTools,
): Promise<Result<HostAnswer, KindAnswer>> {
  const words: string[] = [];
  for (const word of command.slice(1)) {
    const filled = await fillAddress(word, tools.askAddresses);
    if (!filled.ok) return filled;
    words.push(filled.value);
  }
  // A script may get along without the address: it is empty where the instance has none.
  const address = await fillAddress('{address}', tools.askAddresses);
  const answer = await runOnHost({
    command: [command[0], ...words],
    environment: {
      GUARD_INSTANCE: tools.instance,
      GUARD_PROJECT: tools.platform.project,
      GUARD_ADDRESS: address.ok ? address.value : '',
      ...environment,
    },
    clock: tools.clock,
    signal: tools.signal,
    maxBytes: mostOutputBytes,
  });
  return answer.ok
    ? ok(answer.value)
    : err(notAsked(`"${command[0]}": ${answer.error}, on the machine that runs guard`));
}
