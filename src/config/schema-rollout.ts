import * as z from 'zod/mini';
import { parseAmount } from '../amount.ts';
import { readPattern } from './pattern.ts';
import { changed, oneOrMore, pattern, wholeNumber } from './schema-values.ts';

/** What guard.yaml says of changes of many instances. */

const amountExpected = 'a number like 3, or a percentage like 10%';

export function amount(least: number) {
  const value = z.union([wholeNumber(least, 100_000), pattern(/^\d{1,3}%$/, amountExpected)], {
    error: amountExpected,
  });
  return changed(value, (given, complain) => {
    const parsed = parseAmount(String(given));
    if (parsed === null) complain(amountExpected);
    return parsed ?? { count: least };
  });
}

export const spreadKey = pattern(/^(location|user\.[\w.-]+)$/, '"location", or a key like "user.ha-group"');

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
