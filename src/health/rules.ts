import { exceptions } from './knowledge/exceptions.ts';
import { finding, type FactFinding } from './finding.ts';
import type { Difference, Rule } from './rule.ts';

export type { Difference, Trait } from './rule.ts';

/**
 * Whatever the instance offered, did or could use before, it must offer, do and can use after, unless something observable replaced it or
 * the command named its removal. The last row is that sentence; the rows above it are its two exceptions, and what proves nothing.
 */
export const rules: readonly Rule[] = [
  { trait: 'removed', effect: 'info', because: 'the command names its removal' },
  { trait: 'replaced', effect: 'info', because: 'something else replaced it' },
  { resource: 'obstacle', effect: 'fail', because: 'it blocks services or users' },
  { resource: 'storage', change: 'unwritable', effect: 'fail', because: 'services cannot save their data' },
  { change: 'appeared', effect: 'info', because: 'nothing depended on it before' },
  { resource: 'program', trait: 'restarted', effect: 'info', because: 'nothing starts it at boot' },
  {
    resource: 'program',
    change: 'fewer',
    trait: 'elastic',
    effect: 'info',
    because: 'their number depends on the load',
  },
  { resource: 'program', trait: 'supervised', effect: 'fail', because: 'a supervisor should keep it running' },
  {
    resource: 'program',
    trait: 'detached',
    effect: 'fail',
    because: 'it continued to run after its session had ended',
  },
  {
    resource: 'program',
    trait: 'part',
    effect: 'info',
    because: 'the service is running, and starts this process when needed',
  },
  {
    resource: 'unix-socket',
    trait: 'part',
    effect: 'info',
    because: 'only processes of the same service use it',
  },
  { resource: 'timer', trait: 'of-system', effect: 'info', because: 'it is part of the operating system' },
  { resource: 'account', trait: 'unused', effect: 'info', because: 'no process, job or user used it' },
  { resource: 'account', change: 'aged', effect: 'info', because: 'the user can give a new one' },
  { resource: 'account', change: 'group-gone', effect: 'info', because: 'the group itself is gone' },
  { resource: 'kernel-setting', trait: 'packaged', effect: 'info', because: 'it was the default of a package' },
  { resource: 'privilege', trait: 'configured', effect: 'info', because: 'the administrator registered its mode' },
  { resource: 'privilege', trait: 'packaged', effect: 'info', because: 'it is a default of its package' },
  { resource: 'limit', trait: 'packaged', effect: 'info', because: 'it is a default of its package' },
  { resource: 'connection', change: 'closed', effect: 'info', because: 'the server can still be reached' },
  { resource: 'log', change: 'new', effect: 'info', because: 'it does not repeat' },
  { resource: 'resolution', change: 'some', effect: 'info', because: 'other names are resolved' },
  { effect: 'fail', because: 'it was there before the command' },
];

/** What a difference means, by the first exception or rule that matches. */
export function ruleFor(difference: Difference): Rule {
  const rule = [...exceptions, ...rules].find((row) => matches(row, difference));
  // The last row matches everything.
  return rule ?? { effect: 'fail', because: '' };
}

function matches({ resource, change, trait, name }: Rule, difference: Difference): boolean {
  if (resource !== undefined && resource !== difference.resource) return false;
  if (change !== undefined && change !== difference.change) return false;
  if (trait !== undefined && !difference.traits.includes(trait)) return false;
  return name === undefined || name.test(difference.name);
}

/** The finding that a difference is. What does not decide says why. */
export function findingOf(difference: Difference): FactFinding {
  const { effect, because } = ruleFor(difference);
  const { subject, message, transient } = difference;
  return effect === 'info'
    ? finding('advisory', subject, `${message} (${because})`, false)
    : { ...finding('required', subject, message, transient, effect), ...(transient ? { different: true } : {}) };
}
