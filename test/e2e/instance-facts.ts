import { execa } from 'execa';
import { systemClock } from '../../src/clock.ts';
import { compareFacts } from '../../src/health/compare.ts';
import type { Facts } from '../../src/health/facts.ts';
import { gatherFacts } from '../../src/health/gather.ts';
import type { Platform } from '../../src/platform/platform.ts';

/** Gathers the facts of an instance; throws where they cannot be had. */
export const look = async (platform: Platform, instance: string): Promise<Facts> => {
  const facts = await gatherFacts({ platform, instance, clock: systemClock, limitMs: 20_000 });
  if (!facts.ok) throw new Error(JSON.stringify(facts.error));
  return facts.value;
};

/** Looks until the facts are as expected, half a minute at most; the last look either way. */
export const lookUntil = async (
  platform: Platform,
  instance: string,
  expected: (facts: Facts) => boolean,
): Promise<Facts> => {
  const end = performance.now() + 30_000;
  let facts = await look(platform, instance);
  while (!expected(facts) && performance.now() < end) facts = await look(platform, instance);
  return facts;
};

/** Runs a script inside, as root; rejects when it fails. */
export const inside = async (instance: string, script: string): Promise<void> => {
  await execa('incus', ['exec', instance, '-T', '--', 'sh', '-eu', '-s'], { input: script });
};

/** systemd has booted, and there is a way out. */
export const booted = (facts: Facts): boolean =>
  facts.manager.kind === 'systemd' && facts.manager.booted && facts.network?.defaultRoutes.length === 1;

/** What a server said to this question of guard's; null where it did not answer, undefined where it was not asked. */
export const saidTo = (facts: Facts, question: string): string | null | undefined => {
  const said = facts.answers?.find((one) => one.question === question)?.said;
  // Without what tells one page from another.
  return said?.replace(/ \([0-9a-f]{8}\)$/, '') ?? said;
};

/** The sentences that decide against a change. */
export const required = (before: Facts, after: Facts): string[] =>
  compareFacts(before, after)
    .filter(({ severity }) => severity === 'required')
    .map(({ message }) => message);
