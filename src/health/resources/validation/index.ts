import type { Validation } from '../../facts.ts';
import type { Difference } from '../../rules.ts';
import type { Section } from '../../probe/sections.ts';
import { mapOf } from '../../finding.ts';
import { validators } from '../../knowledge/validators.ts';
import type { Comparison } from '../comparison.ts';

/** `NAME STATUS MESSAGE` a line. */
export function validationsFrom(section: Section): Record<string, Validation> | null {
  return Object.fromEntries(
    section.lines.slice(0, 100).flatMap((line) => {
      const [, name, status, message] = /^([a-z-]{1,40}) (\d{1,3}) ?(.*)$/.exec(line) ?? [];
      if (name === undefined || status === undefined || outOfTime.has(status)) return [];
      return [[name, { ok: status === '0', message: (message ?? '').trim().slice(0, 500) }]];
    }),
  );
}

/** timeout(1): it was cut off, or could not be run. */
const outOfTime = new Set(['124', '125', '126', '127', '137']);

/** Configurations with which a service started before and will not start again. */
export function compareValidations({ before, after }: Comparison): Difference[] {
  const [was, is] = [before.validators, after.validators];
  if (was == null || is == null) return [];
  const now = mapOf(is);
  return Object.entries(was).flatMap(([name, { ok }]): Difference[] => {
    const result = now.get(name);
    if (!ok || result === undefined || result.ok) return [];
    return [
      {
        resource: 'validation',
        change: 'fails',
        name,
        subject: `configuration:${name}`,
        message: `the configuration of ${name} was valid and is not any more: ${consequenceOf(name)}${result.message === '' ? '' : `: ${lastPart(result.message)}`}`,
        transient: true,
        traits: [],
      },
    ];
  });
}

function consequenceOf(name: string): string {
  return validators.find((validator) => validator.name === name)?.consequence ?? 'it would not start again';
}

const lastPart = (message: string): string => (message.length > 240 ? `…${message.slice(-240)}` : message);
