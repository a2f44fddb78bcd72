import type { CommandEnd } from '../../event.ts';

/**
 * A hint that explains a known way to fail, or null. apt without a terminal reads "no" at its question and gives up with
 * status 1 and "Abort." as its last word.
 */
export function hintFor(
  words: readonly string[],
  end: CommandEnd,
  outputTail: string,
  withTerminal: boolean,
): string | null {
  if (withTerminal || end.kind !== 'exited' || end.status !== 1) return null;
  const apt = words.find((word) => /(^|\/)apt(-get)?$/.test(word));
  if (apt === undefined || !/\bAbort\.\s*$/.test(outputTail)) return null;
  return 'apt asked for confirmation, and nobody could answer. Pass -y to it.';
}
