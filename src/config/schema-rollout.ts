import * as z from 'zod/mini';
import { parseAmount } from '../amount.ts';
import type { RolloutDefaults } from './rollout-defaults.ts';
import { numberLimits, timeLimits } from './limits.ts';
import { readPattern } from './pattern.ts';
import {
  changed,
  flag,
  mapping,
  numberWithin,
  oneOrMore,
  optional,
  pattern,
  timeWithin,
  wholeNumber,
} from './schema-values.ts';

/** What guard.yaml says of changes of many instances. */

const amountExpected = 'a number like 3, or a percentage like 10%';

function amount(least: number) {
  const value = z.union([wholeNumber(least, 100_000), pattern(/^\d{1,3}%$/, amountExpected)], {
    error: amountExpected,
  });
  return changed(value, (given, complain) => {
    const parsed = parseAmount(String(given));
    if (parsed === null) complain(amountExpected);
    return parsed ?? { count: least };
  });
}

export const rollout = changed(
  z.nullable(
    mapping('rollout', {
      maxParallel: optional(amount(1), {
        description:
          'The maximum number of instances that change at the same time, or a percentage of all instances, rounded down to at least one.',
        default: 1,
        examples: ['10%'],
      }),
      canary: optional(numberWithin(numberLimits.canary), {
        description: 'How many instances change before all others. If one of them fails, the rollout stops.',
        default: 0,
      }),
      pause: optional(timeWithin(timeLimits.pause), {
        description: 'How long to wait between two waves.',
        default: '0s',
      }),
      maxFailures: optional(amount(0), {
        description:
          'How many failures are allowed, or a percentage of all instances, rounded down. One more stops the rollout.',
        default: 0,
        examples: ['5%'],
      }),
      spreadBy: optional(pattern(/^(location|user\.[\w.-]+)$/, '"location", or a key like "user.ha-group"'), {
        description:
          'Two instances with the same location, or the same value of this key, never change at the same time.',
        examples: ['location', 'user.ha-group'],
      }),
      allOrNothing: optional(flag, {
        description: 'If the rollout stops, also roll back the changes that were kept.',
        default: false,
      }),
    }),
  ),
  (given): RolloutDefaults => {
    const { pause, ...same } = given ?? {};
    const written = Object.entries({ ...same, pauseMs: pause }).filter(([, value]) => value !== undefined);
    return Object.fromEntries(written);
  },
);

const member = changed(pattern(/^\S{1,260}$/u, 'a name or a glob like "web-*"'), (given, complain) => {
  if (!readPattern(given).ok) complain('a name or a glob like "web-*", with or without a remote');
  return given;
});

const groupName = pattern(/^[A-Za-z][\w-]{0,59}$/, 'the name of a group: a letter, then letters, digits and hyphens');

export const groups = changed(
  z.nullable(
    z.record(groupName, oneOrMore(member, 'a name or a glob, or a list of them'), {
      error: 'a mapping of groups to instances',
    }),
  ),
  (given): Readonly<Record<string, readonly string[]>> => given ?? {},
);
