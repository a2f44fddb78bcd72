import * as z from 'zod/mini';
import type { CheckDefinition } from '../check-definition.ts';
import type { Layer } from './layer.ts';
import { check } from './schema-check.ts';
import {
  changed,
  choice,
  flag,
  inheritedVariables,
  mapping,
  optional,
  path,
  pattern,
  statuses,
  time,
  timeOrNever,
  userId,
  wholeNumber,
} from './schema-values.ts';

/**
 * The single source of what may stand in guard.yaml: it validates the file, turns it into layers of settings, and is
 * published as JSON Schema. Defaults named here are held in step with `defaults.ts` by a test.
 */

const policy = choice(['rollback', 'keep', 'ask']);

const policies = mapping('policies', {
  command: optional(policy, { description: 'The command failed.' }),
  unhealthy: optional(policy, { description: 'The instance is worse than before.' }),
  inconclusive: optional(policy, { description: 'It could not be found out whether it is.' }),
  timeout: optional(policy, { description: 'The command ran out of time.' }),
});

const checkName = pattern(/^\S(.{0,58}\S)?$/u, 'the name of a check: 1 to 60 characters, without spaces around it');

const checks = changed(
  z.nullable(z.record(checkName, z.nullable(check), { error: 'a mapping of names to checks' })),
  (named) =>
    Object.fromEntries(
      Object.entries(named ?? {}).map(([name, nameless]): [string, CheckDefinition | null] => [
        name,
        nameless === null ? null : { ...nameless, name },
      ]),
    ),
);

const year = 366 * 24 * 3_600_000;

const settingsShape = {
  checks: optional(checks, {
    description: 'Questions about health, by name, asked before and after. `null` takes away an inherited one.',
  }),
  automatic: optional(flag, {
    description:
      'Whether units, sockets, packages, addresses and disk space are compared before and after without being told about.',
    default: true,
  }),
  verifyTimeout: optional(time(0), {
    description: 'How long it may take to be healthy after the command.',
    default: '2m',
  }),
  soak: optional(time(0), { description: 'How long health must then hold; 0s for one good look.', default: '10s' }),
  restart: optional(flag, {
    description: 'Restart the instance before the verdict: many upgrades break only at the next boot.',
    default: false,
  }),
  uncovered: optional(z.enum(['refuse', 'warn', 'accept'], { error: 'refuse, warn or accept' }), {
    description: 'What to do about disks that no restore point covers: shared volumes and folders of the host.',
    default: 'warn',
  }),
  allowUnhealthy: optional(flag, { description: 'Begin although a required check fails already.', default: false }),
  onFailure: optional(
    changed(z.union([policy, policies], { error: 'rollback, keep or ask, or one of them for each cause' }), (given) =>
      typeof given === 'string' ? { command: given, unhealthy: given, inconclusive: given, timeout: given } : given,
    ),
    {
      description:
        'What is done where the change cannot simply be kept. `ask` asks at the terminal, and rolls back if nobody answers. One word, or one for each cause.',
      default: 'rollback',
    },
  ),
  askTimeout: optional(time(1000), { description: 'How long `ask` waits for an answer.', default: '5m' }),

  timeout: optional(timeOrNever(1000), { description: 'How long the command may run.', default: '1h' }),
  idleTimeout: optional(timeOrNever(1000), {
    description: 'How long the command may write nothing. Left out: 15m, and never at a terminal.',
  }),
  okStatus: optional(statuses(0, 255, '0,100-103'), {
    description: 'Exit statuses of the command that count as success.',
    default: 0,
    examples: ['0,100-103'],
  }),
  environment: optional(
    changed(z.nullable(inheritedVariables), (given) => given ?? {}),
    { description: 'Variables for the command. `null` takes away an inherited one.' },
  ),
  user: optional(userId, { description: 'The numeric user id the command runs as.', default: 0 }),
  group: optional(userId, { description: 'The numeric group id the command runs as.', default: 0 }),
  cwd: optional(path('folder'), { description: 'The folder inside in which the command runs.', default: '/root' }),

  keep: optional(wholeNumber(0, 1000), {
    description: "How many of guard's own restore points stay on the instance. The newest always stays.",
    default: 3,
  }),
  expires: optional(timeOrNever(60_000, 10 * year), {
    description: 'After which time the server removes a restore point.',
    default: '30d',
  }),
  waitLock: optional(time(0), { description: "How long another run's end is waited for.", default: '0s' }),
  restorePointTimeout: optional(time(1000), {
    description: 'How long taking the restore point may last.',
    default: '15m',
  }),
  stopTimeout: optional(time(0), { description: 'How long a graceful stop may last before force.', default: '30s' }),
  restoreTimeout: optional(time(1000), {
    description: 'How long a restore may last, all its tries together.',
    default: '15m',
  }),
  startTimeout: optional(time(1000), {
    description: 'How long the instance may take from its start until it can be asked.',
    default: '2m',
  }),
};

/** The settings' names as they stand in the file. */
export const settingNames = Object.keys(settingsShape);

const settings = changed(z.nullable(mapping('settings', settingsShape, 'a mapping of settings')), (given): Layer => {
  const { timeout, idleTimeout, verifyTimeout, soak, askTimeout, expires, waitLock, ...rest } = given ?? {};
  const { restorePointTimeout, stopTimeout, restoreTimeout, startTimeout, ...same } = rest;
  return withoutUndefined({
    ...same,
    timeoutMs: timeout,
    idleTimeoutMs: idleTimeout,
    verifyTimeoutMs: verifyTimeout,
    soakMs: soak,
    askTimeoutMs: askTimeout,
    expiresMs: expires,
    waitLockMs: waitLock,
    restorePointTimeoutMs: restorePointTimeout,
    stopTimeoutMs: stopTimeout,
    restoreTimeoutMs: restoreTimeout,
    startTimeoutMs: startTimeout,
  });
});

const withoutUndefined = (layer: Layer): Layer =>
  Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined));

settings.register(z.globalRegistry, { id: 'settings' });

/** The whole file. Its output: a layer for all instances, and one for each key below `instances`. */
export const fileSchema = z
  .nullable(
    mapping(
      'file',
      {
        defaults: optional(settings, { description: 'Settings for all instances.' }),
        instances: optional(
          z.nullable(z.record(z.string(), settings, { error: 'a mapping of instances to settings' })),
          {
            description:
              'Settings for single instances, by name (web01), glob ("web-*") or with a remote (prod:web01). Where several match, the most exact wins.',
          },
        ),
      },
      'a mapping with "defaults" and "instances"',
    ),
  )
  .register(z.globalRegistry, { title: 'guard.yaml', description: 'The configuration of guard.' });
